// Memory of a GPU: buffers, physical pages and the views that map them, page-locked host memory, and how much of it is
// in use.
#include <algorithm>

#include "device/cuda/device.hpp"
#include "device/cuda/driver.hpp"
#include "device/cuda/errors.hpp"

namespace chunkflow {
namespace {

CUmemAllocationProp pageProperties(int index) {
  CUmemAllocationProp properties{};
  properties.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  properties.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  properties.location.id = index;
  return properties;
}

std::string bytesText(std::size_t bytes) { return std::to_string(bytes) + " bytes"; }

}  // namespace

void CudaDevice::count(std::size_t bytes) {
  allocatedBytes += bytes;
  peakBytes = std::max(peakBytes, allocatedBytes);
}

struct DeviceBuffer::Impl {
  std::shared_ptr<CudaDevice> device;
  void* data = nullptr;
  std::size_t bytes = 0;
  ~Impl() {
    if (data != nullptr) cudaFree(data);
    device->discount(bytes);
  }
};

DeviceBuffer::DeviceBuffer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DeviceBuffer::~DeviceBuffer() = default;
std::byte* DeviceBuffer::data() const { return static_cast<std::byte*>(impl_->data); }
std::size_t DeviceBuffer::bytes() const { return impl_->bytes; }

std::unique_ptr<DeviceBuffer> Device::buffer(std::size_t bytes) {
  auto impl = std::make_unique<DeviceBuffer::Impl>();
  impl->device = impl_->device;
  if (bytes != 0) checkCuda(cudaMalloc(&impl->data, bytes), "buffer of " + bytesText(bytes) + " on the device");
  impl->bytes = bytes;
  impl_->device->count(bytes);
  return std::make_unique<DeviceBuffer>(std::move(impl));
}

struct Pages::Impl {
  std::shared_ptr<CudaDevice> device;
  CUmemGenericAllocationHandle handle = 0;
  std::size_t bytes = 0;
  ~Impl() {
    if (bytes == 0) return;
    cudaDriver().memRelease(handle);
    device->discount(bytes);
  }
};

Pages::Pages(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pages::~Pages() = default;
std::size_t Pages::bytes() const { return impl_->bytes; }

std::unique_ptr<Pages> Device::pages(std::size_t bytes) {
  const CUmemAllocationProp properties = pageProperties(impl_->device->index);
  std::size_t granularity = 0;
  checkDriver(cudaDriver().memGetAllocationGranularity(&granularity, &properties, CU_MEM_ALLOC_GRANULARITY_MINIMUM),
              "granularity of device memory");
  if (granularity == 0 || DEVICE_PAGE_BYTES % granularity != 0) {
    throw RunError("device memory is mapped in pieces of " + bytesText(granularity) +
                   ", but this build counts in pages of " + bytesText(DEVICE_PAGE_BYTES));
  }
  const std::size_t whole = (bytes + DEVICE_PAGE_BYTES - 1) / DEVICE_PAGE_BYTES * DEVICE_PAGE_BYTES;
  auto impl = std::make_unique<Pages::Impl>();
  impl->device = impl_->device;
  if (whole != 0) {
    checkDriver(cudaDriver().memCreate(&impl->handle, whole, &properties, 0),
                "pages of " + bytesText(whole) + " on the device");
    impl->bytes = whole;
    impl_->device->count(whole);
  }
  return std::make_unique<Pages>(std::move(impl));
}

struct View::Impl {
  std::shared_ptr<CudaDevice> device;
  CUdeviceptr address = 0;
  std::size_t bytes = 0, mapped = 0;
  ~Impl() {
    if (mapped != 0) cudaDriver().memUnmap(address, mapped);
    if (address != 0) cudaDriver().memAddressFree(address, bytes);
  }
};

View::View(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
View::~View() = default;
std::byte* View::data() const { return reinterpret_cast<std::byte*>(impl_->address); }

std::unique_ptr<View> Device::view(std::span<Pages* const> parts) {
  auto impl = std::make_unique<View::Impl>();
  impl->device = impl_->device;
  for (const Pages* part : parts) impl->bytes += part->bytes();
  if (impl->bytes == 0) return std::make_unique<View>(std::move(impl));
  const std::string name = "view of " + bytesText(impl->bytes);
  checkDriver(cudaDriver().memAddressReserve(&impl->address, impl->bytes, DEVICE_PAGE_BYTES, 0, 0), name);
  for (const Pages* part : parts) {
    if (part->bytes() == 0) continue;
    checkDriver(cudaDriver().memMap(impl->address + impl->mapped, part->bytes(), 0, part->impl().handle, 0), name);
    impl->mapped += part->bytes();
  }
  CUmemAccessDesc access{};
  access.location = pageProperties(impl_->device->index).location;
  access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
  checkDriver(cudaDriver().memSetAccess(impl->address, impl->bytes, &access, 1), name);
  return std::make_unique<View>(std::move(impl));
}

struct PageLock::Impl {
  void* data = nullptr;
  ~Impl() {
    if (data != nullptr) cudaHostUnregister(data);
  }
};

PageLock::PageLock(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PageLock::~PageLock() = default;

std::unique_ptr<PageLock> Device::lock(void* data, std::size_t bytes) {
  auto impl = std::make_unique<PageLock::Impl>();
  if (bytes != 0) {
    const cudaError_t code = cudaHostRegister(data, bytes, cudaHostRegisterPortable | cudaHostRegisterMapped);
    if (code != cudaSuccess) {
      cudaGetLastError();
      throw RunError("could not page-lock " + bytesText(bytes) + " (" + cudaGetErrorString(code) +
                     "); free host memory, raise the limit of `ulimit -l`, or stream less");
    }
    impl->data = data;
  }
  return std::make_unique<PageLock>(std::move(impl));
}

MemoryUse Device::memory() const {
  const CudaDevice& device = *impl_->device;
  std::size_t freeBytes = 0, totalBytes = 0;
  checkCuda(cudaMemGetInfo(&freeBytes, &totalBytes), "memory in use on the device");
  MemoryUse use;
  use.allocatedBytes = device.allocatedBytes;
  use.peakAllocatedBytes = device.peakBytes;
  use.deviceUsedBytes = totalBytes - freeBytes;
  use.deviceFreeBytes = freeBytes;
  use.deviceUsedBeforeBytes = device.usedBeforeBytes;
  return use;
}

void Device::resetPeak() { impl_->device->peakBytes = impl_->device->allocatedBytes; }

}  // namespace chunkflow
