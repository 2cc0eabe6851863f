#pragma once
// Reading .safetensors files: one, or a folder of a checkpoint's, mapped and never written.
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compute/compute.hpp"

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
  /// @param path a file; an index (*.safetensors.index.json), whose shards are taken; a folder, whose *.safetensors files are
  /// all taken; or the folder of a pipeline (with model_index.json), whose `transformer` is taken. @param flag which asked for it, for messages.
  /// @throws UserError that names the file and what is wrong with it: no such file, a header that does not fit, a tensor
  /// that ends behind the file's end.
  Safetensors(const std::string& path, const char* flag);
  ~Safetensors();
  Safetensors(const Safetensors&) = delete;
  Safetensors& operator=(const Safetensors&) = delete;

  /// @throws UserError with the name and the path when it is not there, or its type is none of BF16, F16 and F32.
  const StoredTensor& tensor(const std::string& name) const;
  /// Of all tensors, whatever their types.
  std::vector<std::string> names() const;
  const std::string& path() const { return path_; }

 private:
  struct File;
  void add(const std::string& file);
  std::string flag_, path_;
  std::vector<std::unique_ptr<File>> files_;
  std::map<std::string, StoredTensor> tensors_;
  /// Tensors of types that no weight has, by name: the type.
  std::map<std::string, std::string> others_;
};

/// Whether a tensor of this shape is a matrix [rows, columns] when neighbouring extents are taken together, row-major: its
/// first extents multiply to `rows` and the rest to `columns`. A matrix that lies transposed does not fold.
bool foldsTo(const std::vector<std::int64_t>& shape, std::int64_t rows, std::int64_t columns);

/// A shape as people write it, such as "[1, 6, 1536]".
std::string shapeText(const std::vector<std::int64_t>& shape);

/// Elements [first, first + out.size()) of a tensor in row-major order.
void readAsBf16(const StoredTensor& tensor, std::int64_t first, std::span<bf16> out);
void readAsFloat(const StoredTensor& tensor, std::int64_t first, std::span<float> out);

}  // namespace chunkflow
