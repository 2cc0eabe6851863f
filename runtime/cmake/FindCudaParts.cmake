# Finds what the CUDA backend is made of: nvcc, the CUDA runtime, cuBLASLt, cuDNN, cudnn-frontend's headers, NCCL and
# NVRTC.
#
# Each part is looked for, in this order, under
#   1. its own variable or environment variable: CHUNKFLOW_NVCC (a file), or CHUNKFLOW_<PART>_ROOT (a folder with
#      include/ and lib/) where <PART> is CUDART, CUBLASLT, CUDNN, NCCL or NVRTC; CUDNN_FRONTEND_INCLUDE for
#      cudnn-frontend
#   2. CUDA_HOME (variable or environment), the toolkit that nvcc belongs to, /usr/local/cuda
#   3. CHUNKFLOW_WHEELS: a folder made by `npm run cuda-wheels` (default: .cuda beside the runtime's folder)
#   4. the packages nvidia/* of the python3 that is on the PATH
#   5. /usr
# Wheels hold libnccl.so.2 without a libnccl.so, so libraries are linked by the full path of the file that was found.

get_filename_component(chunkflow_runtime_parent ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
set(CHUNKFLOW_WHEELS ${chunkflow_runtime_parent}/.cuda CACHE PATH "Virtual environment with NVIDIA's wheels")
set(CHUNKFLOW_HOW_TO_GET "install it, or run `npm run cuda-wheels` and pass -DCHUNKFLOW_WHEELS=<project>/.cuda")

# Value of a variable, else of the environment variable of that name, else "".
function(chunkflow_setting name out)
  if(DEFINED ${name} AND NOT "${${name}}" STREQUAL "")
    set(${out} "${${name}}" PARENT_SCOPE)
  else()
    set(${out} "$ENV{${name}}" PARENT_SCOPE)
  endif()
endfunction()

# Folders site-packages: of the wheels folder, then of python3.
function(chunkflow_site_folders out)
  file(GLOB sites ${CHUNKFLOW_WHEELS}/lib/python3*/site-packages)
  find_program(CHUNKFLOW_PYTHON3 python3)
  mark_as_advanced(CHUNKFLOW_PYTHON3)
  if(CHUNKFLOW_PYTHON3)
    execute_process(
      COMMAND ${CHUNKFLOW_PYTHON3} -c "import site, sys
print(';'.join(dict.fromkeys(p for p in sys.path + site.getsitepackages() if p.endswith('-packages'))))"
      OUTPUT_VARIABLE python_sites OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    list(APPEND sites ${python_sites})
  endif()
  set(${out} "${sites}" PARENT_SCOPE)
endfunction()

# Folders that hold include/ and lib/, in the order of the search.
function(chunkflow_cuda_prefixes out)
  set(prefixes "")
  chunkflow_setting(CUDA_HOME home)
  if(home)
    list(APPEND prefixes ${home})
  endif()
  if(CHUNKFLOW_NVCC)
    get_filename_component(real ${CHUNKFLOW_NVCC} REALPATH)
    get_filename_component(toolkit ${real}/../.. ABSOLUTE)
    list(APPEND prefixes ${toolkit})
  endif()
  list(APPEND prefixes /usr/local/cuda)
  chunkflow_site_folders(sites)
  foreach(site ${sites})
    file(GLOB packages ${site}/nvidia/*)
    # The packages of one CUDA version before those of every other.
    list(SORT packages ORDER DESCENDING)
    list(APPEND prefixes ${packages} ${site})
  endforeach()
  list(APPEND prefixes /usr)
  set(${out} "${prefixes}" PARENT_SCOPE)
endfunction()

# Sets CHUNKFLOW_NVCC (cache) and <out> to nvcc's path, or <out> to "".
function(chunkflow_find_nvcc out)
  chunkflow_setting(CHUNKFLOW_NVCC given)
  if(given)
    if(NOT EXISTS ${given})
      message(FATAL_ERROR "CHUNKFLOW_NVCC is ${given}, which does not exist; give the path of nvcc")
    endif()
    set(nvcc ${given})
  else()
    chunkflow_setting(CUDA_HOME home)
    set(folders "")
    if(home)
      list(APPEND folders ${home}/bin)
    endif()
    list(APPEND folders /usr/local/cuda/bin)
    chunkflow_site_folders(sites)
    foreach(site ${sites})
      file(GLOB packages ${site}/nvidia/*/bin)
      list(SORT packages ORDER DESCENDING)
      list(APPEND folders ${packages})
    endforeach()
    find_program(nvcc nvcc PATHS ${folders} NO_DEFAULT_PATH NO_CACHE)
    if(NOT nvcc)
      find_program(nvcc nvcc NO_CACHE)
    endif()
  endif()
  if(nvcc)
    set(CHUNKFLOW_NVCC ${nvcc} CACHE FILEPATH "CUDA compiler" FORCE)
    set(${out} ${nvcc} PARENT_SCOPE)
  else()
    set(${out} "" PARENT_SCOPE)
  endif()
endfunction()

# chunkflow_find_part(<PART> <what it is called> <header> <library names>...): sets CHUNKFLOW_<PART>_INCLUDE and
# CHUNKFLOW_<PART>_LIBRARY (cache), both from the same prefix, or stops with one line.
function(chunkflow_find_part part title header)
  if(CHUNKFLOW_${part}_INCLUDE AND CHUNKFLOW_${part}_LIBRARY)
    return()
  endif()
  chunkflow_setting(CHUNKFLOW_${part}_ROOT root)
  if(root)
    set(prefixes ${root})
  else()
    chunkflow_cuda_prefixes(prefixes)
  endif()
  set(machine ${CMAKE_SYSTEM_PROCESSOR}-linux-gnu)
  foreach(prefix ${prefixes})
    set(include "")
    set(library "")
    file(GLOB includes ${prefix}/include/${header} ${prefix}/targets/*/include/${header}
         ${prefix}/include/${machine}/${header})
    if(includes)
      list(GET includes 0 include)
      get_filename_component(include ${include} DIRECTORY)
    endif()
    foreach(name ${ARGN})
      if(NOT library)
        file(GLOB libraries ${prefix}/lib64/${name} ${prefix}/lib/${name} ${prefix}/targets/*/lib/${name}
             ${prefix}/lib/${machine}/${name})
        if(libraries)
          list(GET libraries 0 library)
        endif()
      endif()
    endforeach()
    if(include AND library)
      set(CHUNKFLOW_${part}_INCLUDE ${include} CACHE PATH "Headers of ${title}")
      set(CHUNKFLOW_${part}_LIBRARY ${library} CACHE FILEPATH "Library of ${title}")
      message(STATUS "Found ${title}: ${library}")
      return()
    endif()
  endforeach()
  list(GET ARGN 0 first)
  message(FATAL_ERROR "${title} is missing: no folder has both ${header} and ${first}; ${CHUNKFLOW_HOW_TO_GET}, "
                      "or give -DCHUNKFLOW_${part}_ROOT=<folder with include/ and lib/>")
endfunction()

# cudnn-frontend is headers only.
function(chunkflow_find_cudnn_frontend)
  chunkflow_setting(CUDNN_FRONTEND_INCLUDE given)
  if(given)
    set(folders ${given})
  else()
    set(folders ${chunkflow_runtime_parent}/third_party/cudnn-frontend/include)
    chunkflow_cuda_prefixes(prefixes)
    list(APPEND prefixes /usr/local)
    foreach(prefix ${prefixes})
      list(APPEND folders ${prefix}/include)
    endforeach()
  endif()
  foreach(folder ${folders})
    if(EXISTS ${folder}/cudnn_frontend.h)
      set(CUDNN_FRONTEND_INCLUDE ${folder} CACHE PATH "Headers of cudnn-frontend" FORCE)
      message(STATUS "Found cudnn-frontend: ${folder}")
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "cudnn-frontend is missing: cudnn_frontend.h is in none of the folders searched; run "
                      "`pip install --no-deps nvidia-cudnn-frontend` "
                      "or give -DCUDNN_FRONTEND_INCLUDE=<folder of cudnn_frontend.h>")
endfunction()

# All parts; called once when the CUDA backend is chosen.
function(chunkflow_find_cuda_parts)
  chunkflow_find_nvcc(nvcc)
  if(NOT nvcc)
    message(FATAL_ERROR "nvcc is missing: not in CUDA_HOME, /usr/local/cuda, CHUNKFLOW_WHEELS or on the PATH; "
                        "${CHUNKFLOW_HOW_TO_GET}, or build with -DCHUNKFLOW_BACKEND=host")
  endif()
  execute_process(COMMAND ${nvcc} --version OUTPUT_VARIABLE version ERROR_VARIABLE error RESULT_VARIABLE code)
  if(NOT code EQUAL 0 OR NOT version MATCHES "release ([0-9]+)\\.([0-9]+)")
    message(FATAL_ERROR "${nvcc} --version does not say a release (it says: ${version}${error}); "
                        "give another -DCHUNKFLOW_NVCC")
  endif()
  set(major ${CMAKE_MATCH_1})
  if(major LESS 12)
    message(FATAL_ERROR "${nvcc} is CUDA ${major}.${CMAKE_MATCH_2}; ChunkFlow's runtime needs CUDA 12.0 or later")
  endif()
  message(STATUS "Found nvcc ${CMAKE_MATCH_1}.${CMAKE_MATCH_2}: ${nvcc}")
  chunkflow_find_part(CUDART "CUDA runtime" cuda_runtime.h libcudart_static.a libcudart.so.${major} libcudart.so)
  chunkflow_find_part(CUBLASLT "cuBLASLt" cublasLt.h libcublasLt.so.${major} libcublasLt.so)
  chunkflow_find_part(NVRTC "NVRTC" nvrtc.h libnvrtc.so.${major} libnvrtc.so)
  chunkflow_find_part(CUDNN "cuDNN 9" cudnn_backend.h libcudnn.so.9)
  chunkflow_find_part(NCCL "NCCL" nccl.h libnccl.so.2 libnccl.so)
  chunkflow_find_cudnn_frontend()
endfunction()
