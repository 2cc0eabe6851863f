#pragma once
// Reading .safetensors checkpoints: one file or a folder of them, mapped and never written.
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compute.hpp"

namespace chunkflow {

enum class StoredAs : std::uint8_t { BF16, F16, F32 };

/// A tensor where it lies in a file.
struct StoredTensor {
  std::string file;
  StoredAs type;
  std::vector<std::int64_t> shape;
  const std::byte* data;
  std::int64_t elements;
};

class Safetensors {
 public:
  /// @param path a file, or a folder whose *.safetensors files are all taken. @throws UserError that names the file
  /// and what is wrong with it: no such file, a header that does not fit, a tensor that ends behind the file's end.
  explicit Safetensors(const std::string& path);
  ~Safetensors();
  Safetensors(const Safetensors&) = delete;
  Safetensors& operator=(const Safetensors&) = delete;

  /// @throws UserError with the name and the path when it is not there, or its type is none of BF16, F16 and F32.
  const StoredTensor& tensor(const std::string& name) const;
  const std::string& path() const { return path_; }

 private:
  struct File;
  void add(const std::string& file);
  std::string path_;
  std::vector<std::unique_ptr<File>> files_;
  std::map<std::string, StoredTensor> tensors_;
  /// Tensors of types that no weight has, by name: the type.
  std::map<std::string, std::string> others_;
};

/// Elements [first, first + out.size()) of a tensor, as bf16.
void readAsBf16(const StoredTensor& tensor, std::int64_t first, std::span<bf16> out);

}  // namespace chunkflow
