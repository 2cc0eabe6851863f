#pragma once
// POSIX shared memory between the processes of one host.
#include <cstddef>
#include <string>

#include "ranks/group.hpp"

namespace chunkflow {

/// A segment of /dev/shm, mapped. Unlinked by whoever created it, as soon as the others have opened it.
class SharedSegment : public SharedMemory {
 public:
  /// Creates one under a random name. @throws RunError when the system refuses.
  static std::unique_ptr<SharedSegment> create(std::size_t bytes);
  /// Opens one that another process has created. @throws RunError when the system refuses.
  static std::unique_ptr<SharedSegment> open(const std::string& name, std::size_t bytes);
  ~SharedSegment() override;
  SharedSegment(const SharedSegment&) = delete;
  SharedSegment& operator=(const SharedSegment&) = delete;

  const std::string& name() const { return name_; }
  std::byte* data() const override { return data_; }
  std::size_t bytes() const override { return bytes_; }
  /// Takes memory for bytes [from, to) now, near the CPU that asks, so that a full /dev/shm is an error here and not a
  /// crash at the first write. @throws RunError.
  void reserve(std::size_t from, std::size_t to) const;
  /// Removes the name; the memory goes with the last process that has it mapped.
  void unlink();

 private:
  SharedSegment(std::string name, int descriptor, std::size_t bytes, bool created);
  std::string name_;
  int descriptor_;
  std::size_t bytes_;
  bool linked_;
  std::byte* data_ = nullptr;
};

}  // namespace chunkflow
