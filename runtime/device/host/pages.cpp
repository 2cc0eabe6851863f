// Device memory on a host: anonymous shared memory that is mapped page by page, and what it adds up to.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "device/host/hardware.hpp"

namespace chunkflow {
namespace {

std::atomic<std::size_t> processBytes{0};

std::size_t roundUp(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

std::string reason() { return std::strerror(errno); }

/// Bytes of a device that are taken for as long as this lives.
class Claim {
 public:
  Claim(std::shared_ptr<HostHardware> hardware, std::size_t bytes) : hardware_(std::move(hardware)), bytes_(bytes) {
    if (const std::size_t freeBytes = procMemoryBytes("MemAvailable"); bytes > freeBytes) {
      throw RunError("device memory: " + std::to_string(bytes) + " bytes were asked for, " + std::to_string(freeBytes) +
                     " are free on this host; choose a smaller workload or a plan with less resident memory");
    }
    hardware_->allocatedBytes += bytes;
    hardware_->peakBytes = std::max(hardware_->peakBytes, hardware_->allocatedBytes);
    processBytes += bytes;
  }
  ~Claim() {
    hardware_->allocatedBytes -= bytes_;
    processBytes -= bytes_;
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

  std::size_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<HostHardware> hardware_;
  std::size_t bytes_;
};

}  // namespace

struct Pages::Impl {
  Claim claim;
  int file;

  Impl(std::shared_ptr<HostHardware> hardware, std::size_t bytes)
      : claim(std::move(hardware), roundUp(bytes, DEVICE_PAGE_BYTES)), file(memfd_create("chunkflow", MFD_CLOEXEC)) {
    // Allocated now, so that a host without the memory says so here and not by a SIGBUS at the first touch.
    if (file >= 0 && (claim.bytes() == 0 || fallocate(file, 0, 0, static_cast<off_t>(claim.bytes())) == 0)) return;
    const std::string why = reason();
    if (file >= 0) close(file);
    throw RunError("device pages: cannot allocate " + std::to_string(claim.bytes()) + " bytes: " + why);
  }
  ~Impl() { close(file); }
};

struct View::Impl {
  void* reserved;
  std::size_t reservedBytes;
  std::byte* data;

  explicit Impl(std::size_t bytes) : reservedBytes(bytes + DEVICE_PAGE_BYTES) {
    reserved = mmap(nullptr, reservedBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) {
      throw RunError("device view: cannot reserve " + std::to_string(bytes) + " bytes of addresses: " + reason());
    }
    data = reinterpret_cast<std::byte*>(roundUp(reinterpret_cast<std::uintptr_t>(reserved), DEVICE_PAGE_BYTES));
  }
  ~Impl() { munmap(reserved, reservedBytes); }
};

struct DeviceBuffer::Impl {
  struct Free {
    void operator()(std::byte* data) const { std::free(data); }
  };
  Claim claim;
  std::unique_ptr<std::byte, Free> data;

  Impl(std::shared_ptr<HostHardware> hardware, std::size_t bytes) : claim(std::move(hardware), bytes) {
    constexpr std::size_t ALIGNMENT = 256;
    const std::size_t rounded = roundUp(std::max<std::size_t>(bytes, 1), ALIGNMENT);
    data.reset(static_cast<std::byte*>(std::aligned_alloc(ALIGNMENT, rounded)));
    if (data == nullptr) throw RunError("device buffer: cannot allocate " + std::to_string(bytes) + " bytes");
  }
};

/// memcpy by cores needs no page-locking.
struct PageLock::Impl {};

Pages::Pages(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pages::~Pages() = default;
View::View(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
View::~View() = default;
DeviceBuffer::DeviceBuffer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DeviceBuffer::~DeviceBuffer() = default;
PageLock::PageLock(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PageLock::~PageLock() = default;

std::size_t Pages::bytes() const { return impl_->claim.bytes(); }
std::byte* View::data() const { return impl_->data; }
std::byte* DeviceBuffer::data() const { return impl_->data.get(); }
std::size_t DeviceBuffer::bytes() const { return impl_->claim.bytes(); }

std::unique_ptr<DeviceBuffer> Device::buffer(std::size_t bytes) {
  return std::make_unique<DeviceBuffer>(std::make_unique<DeviceBuffer::Impl>(impl_->hardware, bytes));
}

std::unique_ptr<Pages> Device::pages(std::size_t bytes) {
  return std::make_unique<Pages>(std::make_unique<Pages::Impl>(impl_->hardware, bytes));
}

std::unique_ptr<View> Device::view(std::span<Pages* const> parts) {
  std::size_t bytes = 0;
  for (const Pages* part : parts) bytes += part->bytes();
  auto view = std::make_unique<View::Impl>(bytes);
  std::byte* at = view->data;
  for (const Pages* part : parts) {
    if (part->bytes() == 0) continue;
    if (mmap(at, part->bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, part->impl().file, 0) == MAP_FAILED) {
      throw RunError("device view: cannot map " + std::to_string(part->bytes()) + " bytes: " + reason());
    }
    at += part->bytes();
  }
  return std::make_unique<View>(std::move(view));
}

std::unique_ptr<PageLock> Device::lock(void*, std::size_t) {
  return std::make_unique<PageLock>(std::make_unique<PageLock::Impl>());
}

MemoryUse Device::memory() const {
  return {impl_->hardware->allocatedBytes, impl_->hardware->peakBytes, processBytes.load(),
          procMemoryBytes("MemAvailable")};
}

void Device::resetPeak() { impl_->hardware->peakBytes = impl_->hardware->allocatedBytes; }

}  // namespace chunkflow
