#include "weights/safetensors.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <numeric>
#include <set>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"

namespace chunkflow {

namespace {

constexpr std::uint64_t LENGTH_BYTES = 8;
/// The format's own bound on its header.
constexpr std::uint64_t MOST_HEADER_BYTES = 100'000'000;

float halfToFloat(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
  const std::uint32_t exponent = (bits >> 10) & 31;
  const std::uint32_t fraction = bits & 0x3ff;
  if (exponent == 0) {
    const float tiny = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -tiny : tiny;
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | (wide << 23) | (fraction << 13));
}

/// A number of a header that must be a whole one from 0.
std::uint64_t countOf(const Json& json, const std::string& where) {
  const double* number = json.number();
  if (number == nullptr || *number < 0 || *number > 9e15 || *number != std::floor(*number)) {
    throw UserError(where + ": expected a whole number from 0");
  }
  return static_cast<std::uint64_t>(*number);
}

std::size_t elementBytes(StoredAs type) { return type == StoredAs::F32 ? 4 : 2; }

}  // namespace

/// A file's bytes, mapped.
struct Safetensors::File {
  /// @param where the flag and the path, for messages.
  File(const std::string& path, const std::string& where) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (file < 0 || fstat(file, &status) != 0) {
      const std::string why = std::strerror(errno);
      if (file >= 0) close(file);
      throw UserError(where + ": cannot be read (" + why + ")");
    }
    bytes = static_cast<std::uint64_t>(status.st_size);
    void* mapped = bytes == 0 ? MAP_FAILED : mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (mapped == MAP_FAILED) {
      throw UserError(where + ": " + (bytes == 0 ? "is empty" : std::string(std::strerror(errno))));
    }
    data = static_cast<const std::byte*>(mapped);
  }
  ~File() {
    if (data != nullptr) munmap(const_cast<std::byte*>(data), bytes);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::byte* data = nullptr;
  std::uint64_t bytes = 0;
};

namespace {

/// Files of an index's weight_map, which lie beside it.
std::vector<std::string> shardsOf(const std::string& index, const std::string& where) {
  std::ifstream in(index, std::ios::binary);
  if (!in) throw UserError(where + ": cannot be read (" + std::strerror(errno) + ")");
  const Json json = parseJson(std::string(std::istreambuf_iterator<char>(in), {}), where);
  const Json* map = json.object() == nullptr ? nullptr : json.member("weight_map");
  if (map == nullptr || map->object() == nullptr || map->object()->empty()) {
    throw UserError(where + ": is no index of a checkpoint: expected a weight_map of tensor names to files");
  }
  const std::filesystem::path folder = std::filesystem::path(index).parent_path();
  std::set<std::string> shards;
  for (const auto& [name, shard] : *map->object()) {
    if (shard.string() == nullptr) throw UserError(where + ": tensor " + name + ": expected the name of a file");
    shards.insert((folder / *shard.string()).string());
  }
  return {shards.begin(), shards.end()};
}

std::vector<std::string> filesOf(std::filesystem::path path, const std::string& where) {
  std::error_code error;
  if (path.string().ends_with(".index.json")) return shardsOf(path.string(), where);
  if (!std::filesystem::is_directory(path, error)) return {path.string()};
  if (std::filesystem::exists(path / "model_index.json", error)) path /= "transformer";
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    if (entry.path().extension() == ".safetensors") names.push_back(entry.path().string());
  }
  if (names.empty()) throw UserError(where + ": there is no .safetensors file in the folder " + path.string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Safetensors::Safetensors(const std::string& path, const char* flag) : flag_(flag), path_(path) {
  for (const std::string& name : filesOf(path, flag_ + " " + path)) add(name);
}

Safetensors::~Safetensors() = default;

void Safetensors::add(const std::string& path) {
  const std::string where = flag_ + " " + path;
  files_.push_back(std::make_unique<File>(path, where));
  const File& file = *files_.back();
  std::uint64_t headerBytes = 0;
  if (file.bytes >= LENGTH_BYTES) std::memcpy(&headerBytes, file.data, LENGTH_BYTES);
  if (file.bytes < LENGTH_BYTES || headerBytes > MOST_HEADER_BYTES || headerBytes > file.bytes - LENGTH_BYTES) {
    throw UserError(where + ": is no safetensors file or cut off (" + std::to_string(file.bytes) +
                    " bytes; its header claims " + std::to_string(headerBytes) + "); download it again");
  }
  const std::string_view text(reinterpret_cast<const char*>(file.data) + LENGTH_BYTES, headerBytes);
  const Json header = parseJson(text, where);
  if (header.object() == nullptr) throw UserError(where + ": its header is no JSON object");
  const std::uint64_t dataBytes = file.bytes - LENGTH_BYTES - headerBytes;
  for (const auto& [name, entry] : *header.object()) {
    if (name == "__metadata__") continue;
    const std::string what = where + ": tensor " + name;
    const Json* type = entry.member("dtype");
    const Json* shape = entry.member("shape");
    const Json* offsets = entry.member("data_offsets");
    if (type == nullptr || type->string() == nullptr || shape == nullptr || shape->array() == nullptr ||
        offsets == nullptr || offsets->array() == nullptr || offsets->array()->size() != 2) {
      throw UserError(what + ": expected dtype, shape and data_offsets");
    }
    const std::uint64_t from = countOf(offsets->array()->at(0), what + ": data_offsets");
    const std::uint64_t to = countOf(offsets->array()->at(1), what + ": data_offsets");
    if (to > dataBytes) {
      throw UserError(what + ": the file is cut off: it has " + std::to_string(file.bytes) + " bytes, " +
                      std::to_string(LENGTH_BYTES + headerBytes + to) + " are needed; download it again");
    }
    if (tensors_.contains(name) || others_.contains(name)) {
      throw UserError(what + ": is there twice; give a folder with one checkpoint");
    }
    const std::string& dtype = *type->string();
    if (dtype != "BF16" && dtype != "F16" && dtype != "F32") {
      others_.emplace(name, dtype);
      continue;
    }
    StoredTensor tensor{path, dtype == "BF16" ? StoredAs::BF16 : dtype == "F16" ? StoredAs::F16 : StoredAs::F32, {},
                        file.data + LENGTH_BYTES + headerBytes + from, 1};
    for (const Json& extent : *shape->array()) {
      tensor.shape.push_back(static_cast<std::int64_t>(countOf(extent, what + ": shape")));
      if (__builtin_mul_overflow(tensor.elements, tensor.shape.back(), &tensor.elements)) {
        throw UserError(what + ": its shape is too large");
      }
    }
    if (from > to || static_cast<std::uint64_t>(tensor.elements) * elementBytes(tensor.type) != to - from) {
      throw UserError(what + ": its shape needs " +
                      std::to_string(static_cast<std::uint64_t>(tensor.elements) * elementBytes(tensor.type)) +
                      " bytes, its offsets hold " + std::to_string(to - from));
    }
    tensors_.emplace(name, std::move(tensor));
  }
}

const StoredTensor& Safetensors::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found != tensors_.end()) return found->second;
  const auto other = others_.find(name);
  if (other != others_.end()) {
    throw UserError(flag_ + " " + path_ + ": tensor " + name + " is of type " + other->second +
                    "; expected BF16, F16 or F32");
  }
  throw UserError(flag_ + " " + path_ + ": there is no tensor " + name + "; is this the model's own checkpoint?");
}

std::vector<std::string> Safetensors::names() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors_) names.push_back(name);
  for (const auto& [name, type] : others_) names.push_back(name);
  return names;
}

bool foldsTo(const std::vector<std::int64_t>& shape, std::int64_t rows, std::int64_t columns) {
  std::int64_t leading = 1;
  const std::int64_t all = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  for (std::size_t cut = 0; cut <= shape.size(); ++cut) {
    if (leading == rows && all == rows * columns) return true;
    if (cut < shape.size()) leading *= shape[cut];
  }
  return false;
}

std::string shapeText(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const std::int64_t extent : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

namespace {

/// Hands each element of a float32 or float16 tensor to `use` with its number from `first`.
template <class Use>
void eachFloat(const StoredTensor& tensor, const std::byte* from, std::size_t count, Use&& use) {
  for (std::size_t i = 0; i < count; ++i) {
    if (tensor.type == StoredAs::F32) {
      float value = 0;
      std::memcpy(&value, from + 4 * i, sizeof value);
      use(i, value);
    } else {
      std::uint16_t bits = 0;
      std::memcpy(&bits, from + 2 * i, sizeof bits);
      use(i, halfToFloat(bits));
    }
  }
}

}  // namespace

void readAsBf16(const StoredTensor& tensor, std::int64_t first, std::span<bf16> out) {
  const std::byte* from = tensor.data + static_cast<std::size_t>(first) * elementBytes(tensor.type);
  if (tensor.type == StoredAs::BF16) {
    std::memcpy(out.data(), from, out.size_bytes());
    return;
  }
  eachFloat(tensor, from, out.size(), [&](std::size_t i, float value) { out[i] = toBf16(value); });
}

void readAsFloat(const StoredTensor& tensor, std::int64_t first, std::span<float> out) {
  const std::byte* from = tensor.data + static_cast<std::size_t>(first) * elementBytes(tensor.type);
  if (tensor.type != StoredAs::BF16) {
    eachFloat(tensor, from, out.size(), [&](std::size_t i, float value) { out[i] = value; });
    return;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    bf16 value{};
    std::memcpy(&value, from + sizeof value * i, sizeof value);
    out[i] = toFloat(value);
  }
}

}  // namespace chunkflow
