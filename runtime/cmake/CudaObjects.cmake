# Compiles CUDA sources and links CUDA's libraries. nvcc is called directly instead of through CMake's CUDA language:
# that would have to be enabled in every project that links a generated program, and its compiler test links, which the
# toolkit from wheels cannot do without help.

# chunkflow_cuda_objects(<out> <sources...>): objects of .cu files, added to <out>.
function(chunkflow_cuda_objects out)
  set(flags -std=c++20 -O3 -lineinfo -ccbin ${CMAKE_CXX_COMPILER} --compiler-options -fPIC,-Wall,-Wextra)
  foreach(architecture ${CHUNKFLOW_ARCHITECTURES})
    if(NOT architecture MATCHES "^[0-9]+[af]?$")
      message(FATAL_ERROR "CHUNKFLOW_ARCHITECTURES has \"${architecture}\"; expected numbers such as 90 or 80;90;100")
    endif()
    list(APPEND flags -gencode arch=compute_${architecture},code=sm_${architecture})
  endforeach()
  if(CHUNKFLOW_SANITIZE STREQUAL "thread")
    list(APPEND flags --compiler-options -fsanitize=thread)
  elseif(CHUNKFLOW_SANITIZE STREQUAL "address")
    list(APPEND flags --compiler-options -fsanitize=address,-fsanitize=undefined)
  endif()
  get_target_property(runtime_dir chunkflow_runtime SOURCE_DIR)
  set(objects "")
  foreach(source ${ARGN})
    get_filename_component(source ${source} ABSOLUTE)
    get_filename_component(name ${source} NAME)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/cuda_objects/${name}.o)
    add_custom_command(
      OUTPUT ${object}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/cuda_objects
      COMMAND ${CHUNKFLOW_NVCC} ${flags} -I${runtime_dir} -isystem ${CHUNKFLOW_CUDART_INCLUDE}
              -MD -MF ${object}.d -MT ${object} -c ${source} -o ${object}
      DEPENDS ${source} ${CHUNKFLOW_NVCC}
      DEPFILE ${object}.d
      COMMENT "Building CUDA object ${name}.o"
      VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  set_source_files_properties(${objects} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  set(${out} ${objects} PARENT_SCOPE)
endfunction()

# Headers and libraries of CUDA for the runtime library and everything that links it.
function(chunkflow_use_cuda target)
  set(includes ${CHUNKFLOW_CUDART_INCLUDE} ${CHUNKFLOW_CUBLASLT_INCLUDE} ${CHUNKFLOW_CUDNN_INCLUDE}
               ${CHUNKFLOW_NVRTC_INCLUDE} ${CHUNKFLOW_NCCL_INCLUDE} ${CUDNN_FRONTEND_INCLUDE})
  list(REMOVE_DUPLICATES includes)
  # /usr/include as a system folder would hide the compiler's own headers.
  list(REMOVE_ITEM includes /usr/include)
  target_include_directories(${target} SYSTEM PRIVATE ${includes})
  # cuDNN opens NVRTC by name while it runs; linked, it is there wherever it lies.
  target_link_libraries(${target} PUBLIC
    ${CHUNKFLOW_CUBLASLT_LIBRARY} ${CHUNKFLOW_CUDNN_LIBRARY} ${CHUNKFLOW_NCCL_LIBRARY}
    -Wl,--push-state,--no-as-needed ${CHUNKFLOW_NVRTC_LIBRARY} -Wl,--pop-state ${CHUNKFLOW_CUDART_LIBRARY})
  set(folders "")
  foreach(library CUBLASLT CUDNN NCCL NVRTC CUDART)
    get_filename_component(folder ${CHUNKFLOW_${library}_LIBRARY} DIRECTORY)
    list(APPEND folders ${folder})
  endforeach()
  list(REMOVE_DUPLICATES folders)
  set_target_properties(${target} PROPERTIES CHUNKFLOW_LIBRARY_FOLDERS "${folders}")
endfunction()
