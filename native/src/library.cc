#include "library.hh"

#include <dlfcn.h>

#include <stdexcept>

namespace chunkflow::addon {

namespace {

constexpr int ABI = 1;

template <class Function>
Function symbol(void* library, const std::string& path, const char* name) {
  void* address = dlsym(library, name);
  if (address == nullptr) {
    throw std::runtime_error(path + ": is no generated program (it has no " + name + "); build one with chunkflow build");
  }
  return reinterpret_cast<Function>(address);
}

}  // namespace

Library::Library(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = dlerror();
    throw std::runtime_error(path + ": cannot be loaded (" + (why == nullptr ? "no reason given" : why) + ")");
  }
  const int abi = symbol<decltype(&chunkflow_abi)>(library, path, "chunkflow_abi")();
  if (abi != ABI) {
    throw std::runtime_error(path + ": has interface version " + std::to_string(abi) + ", expected " +
                             std::to_string(ABI) + "; generate and build it anew");
  }
  describe_ = symbol<decltype(&chunkflow_describe)>(library, path, "chunkflow_describe");
  run_ = symbol<decltype(&chunkflow_run)>(library, path, "chunkflow_run");
}

int Library::run(const std::vector<std::string>& arguments, const Sink& sink) const {
  std::vector<const char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  return run_(static_cast<int>(pointers.size()), pointers.data(), &sink);
}

}  // namespace chunkflow::addon
