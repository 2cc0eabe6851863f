# chunkflow_program(<target> <sources...>): a generated program as lib<target>.so, with the whole runtime in it, and
# <target>_run, the executable over it.

# Where the libraries lie that a finished binary needs, in its own header: it starts without LD_LIBRARY_PATH.
function(chunkflow_link_settings target)
  get_target_property(folders chunkflow_runtime CHUNKFLOW_LIBRARY_FOLDERS)
  if(NOT folders)
    set(folders "")
  endif()
  set_target_properties(${target} PROPERTIES
    BUILD_RPATH "$ORIGIN;${folders}"
    INSTALL_RPATH "$ORIGIN;${folders}")
endfunction()

function(chunkflow_program target)
  if(NOT ARGN)
    message(FATAL_ERROR "chunkflow_program(${target}): no sources given")
  endif()
  get_target_property(runtime_dir chunkflow_runtime SOURCE_DIR)
  set(kernels ${ARGN})
  list(FILTER kernels INCLUDE REGEX "\\.cu$")
  set(sources ${ARGN})
  list(FILTER sources EXCLUDE REGEX "\\.cu$")
  if(kernels)
    chunkflow_cuda_objects(objects ${kernels})
    list(APPEND sources ${objects})
  endif()
  add_library(${target} SHARED ${sources})
  # A program of .cu files alone has no source from which CMake could tell the language.
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${target} PRIVATE -Wl,--whole-archive chunkflow_runtime -Wl,--no-whole-archive)
  target_include_directories(${target} PUBLIC ${runtime_dir})
  chunkflow_compile_options(${target})
  chunkflow_link_settings(${target})
  # A process that has loaded two programs must not resolve one's calls into the other.
  target_link_options(${target} PRIVATE -Wl,-Bsymbolic -Wl,--no-undefined)

  add_executable(${target}_run ${runtime_dir}/main.cpp)
  target_link_libraries(${target}_run PRIVATE ${target})
  chunkflow_compile_options(${target}_run)
  chunkflow_link_settings(${target}_run)
endfunction()
