#include "device/cuda/clock_nvml.hpp"

#include <dlfcn.h>

#include <limits>

namespace chunkflow {
namespace {

// NVML's stable interface; its header comes with the full toolkit only, so what is used of it is declared here.
constexpr int NVML_SUCCESS = 0;
constexpr int NVML_CLOCK_SM = 1;
constexpr int NVML_TEMPERATURE_GPU = 0;

struct NvmlMemory {
  unsigned version;
  unsigned long long total, reserved, free, used;
};
constexpr unsigned NVML_MEMORY_VERSION = static_cast<unsigned>(sizeof(NvmlMemory)) | (2u << 24);

struct Nvml {
  int (*init)();
  int (*deviceByPciBusId)(const char*, void**);
  int (*clockInfo)(void*, int, unsigned*);
  int (*powerUsage)(void*, unsigned*);
  int (*temperature)(void*, int, unsigned*);
  int (*memoryInfo)(void*, NvmlMemory*);
  int (*driverVersion)(char*, unsigned);
  // Null in libraries that lack them: records do without.
  int (*vbiosVersion)(void*, char*, unsigned);
  int (*linkLanes)(void*, unsigned*);
  int (*mostLinkLanes)(void*, unsigned*);
  int (*mostLinkGeneration)(void*, unsigned*);
  bool loaded = false;
};

template <typename Function>
bool look(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

// The library stays loaded: nothing here knows when the last device has gone.
Nvml load() {
  Nvml nvml{};
  void* library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) library = dlopen("/usr/local/nvidia/lib64/libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return nvml;
  nvml.loaded = look(library, "nvmlInit_v2", nvml.init) &&
                look(library, "nvmlDeviceGetHandleByPciBusId_v2", nvml.deviceByPciBusId) &&
                look(library, "nvmlDeviceGetClockInfo", nvml.clockInfo) &&
                look(library, "nvmlDeviceGetPowerUsage", nvml.powerUsage) &&
                look(library, "nvmlDeviceGetTemperature", nvml.temperature) &&
                look(library, "nvmlDeviceGetMemoryInfo_v2", nvml.memoryInfo) &&
                look(library, "nvmlSystemGetDriverVersion", nvml.driverVersion) && nvml.init() == NVML_SUCCESS;
  look(library, "nvmlDeviceGetVbiosVersion", nvml.vbiosVersion);
  look(library, "nvmlDeviceGetCurrPcieLinkWidth", nvml.linkLanes);
  look(library, "nvmlDeviceGetMaxPcieLinkWidth", nvml.mostLinkLanes);
  look(library, "nvmlDeviceGetMaxPcieLinkGeneration", nvml.mostLinkGeneration);
  return nvml;
}

const Nvml& nvml() {
  static const Nvml loaded = load();
  return loaded;
}

}  // namespace

std::unique_ptr<NvmlDevice> NvmlDevice::find(const std::string& pciBus) {
  void* handle = nullptr;
  if (!nvml().loaded || nvml().deviceByPciBusId(pciBus.c_str(), &handle) != NVML_SUCCESS) return nullptr;
  return std::unique_ptr<NvmlDevice>(new NvmlDevice(handle));
}

DeviceClock NvmlDevice::clock() const {
  constexpr double UNKNOWN = std::numeric_limits<double>::quiet_NaN();
  unsigned megahertz, milliwatts, celsius;
  return {
      nvml().clockInfo(handle_, NVML_CLOCK_SM, &megahertz) == NVML_SUCCESS ? megahertz * 1e6 : UNKNOWN,
      nvml().powerUsage(handle_, &milliwatts) == NVML_SUCCESS ? milliwatts * 1e-3 : UNKNOWN,
      nvml().temperature(handle_, NVML_TEMPERATURE_GPU, &celsius) == NVML_SUCCESS ? double(celsius) : UNKNOWN,
  };
}

std::size_t NvmlDevice::usedBytes() const {
  NvmlMemory memory{};
  memory.version = NVML_MEMORY_VERSION;
  return nvml().memoryInfo(handle_, &memory) == NVML_SUCCESS ? memory.used : 0;
}

std::string NvmlDevice::driverVersion() const {
  char text[96] = "";
  return nvml().driverVersion(text, sizeof text) == NVML_SUCCESS ? text : "";
}

std::string NvmlDevice::vbiosVersion() const {
  char text[64] = "";
  return nvml().vbiosVersion != nullptr && nvml().vbiosVersion(handle_, text, sizeof text) == NVML_SUCCESS ? text : "";
}

PcieLink NvmlDevice::link() const {
  const auto ask = [this](int (*function)(void*, unsigned*)) {
    unsigned value = 0;
    return function != nullptr && function(handle_, &value) == NVML_SUCCESS ? value : 0u;
  };
  return {ask(nvml().linkLanes), ask(nvml().mostLinkLanes), ask(nvml().mostLinkGeneration)};
}

}  // namespace chunkflow
