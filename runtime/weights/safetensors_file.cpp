#include "weights/safetensors_file.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.hpp"
#include "base/json.hpp"

namespace chunkflow {

namespace {

/// Readers map the file, so values begin at a multiple of their size.
constexpr std::size_t HEADER_ALIGNMENT = 8;

}  // namespace

SafetensorsFile::SafetensorsFile(std::string path, const char* flag, const std::vector<ProgramTensor>& tensors,
                                 const std::vector<std::pair<std::string, std::string>>& metadata)
    : path_(std::move(path)), flag_(flag), unfinished_(path_ + ".part") {
  JsonWriter json;
  json.beginObject().key("__metadata__").beginObject();
  for (const auto& [name, text] : metadata) json.field(name, text);
  json.endObject();
  std::uint64_t end = 0;
  for (const ProgramTensor& tensor : tensors) {
    const std::uint64_t begin = end;
    end += static_cast<std::uint64_t>(tensor.rows * tensor.width) * sizeof(bf16);
    begins_.push_back(begin);
    json.key(tensor.name).beginObject().field("dtype", "BF16");
    json.field("shape", std::vector<std::int64_t>{tensor.rows, tensor.width});
    json.key("data_offsets").beginArray().value(begin).value(end).endArray().endObject();
  }
  std::string header = json.endObject().take();
  header.resize((header.size() + HEADER_ALIGNMENT - 1) / HEADER_ALIGNMENT * HEADER_ALIGNMENT, ' ');
  const std::uint64_t headerBytes = header.size();
  for (std::uint64_t& begin : begins_) begin += sizeof headerBytes + headerBytes;
  out_.open(unfinished_, std::ios::binary | std::ios::trunc);
  out_.write(reinterpret_cast<const char*>(&headerBytes), sizeof headerBytes);
  out_ << header;
  if (!out_) refuse();
}

void SafetensorsFile::write(std::size_t tensor, std::uint64_t first, std::span<const bf16> values) {
  out_.seekp(static_cast<std::streamoff>(begins_.at(tensor) + first * sizeof(bf16)));
  out_.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
  if (!out_) refuse();
}

void SafetensorsFile::finish() {
  out_.close();
  if (!out_) refuse();
  std::error_code error;
  std::filesystem::rename(unfinished_, path_, error);
  if (error) refuse();
}

void SafetensorsFile::refuse() const {
  throw UserError(flag_ + ": " + path_ + " could not be written (" + std::strerror(errno) +
                  "); give a folder that can be written to and has room");
}

}  // namespace chunkflow
