#pragma once
// The subset of JSON that results files and safetensors headers use.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace chunkflow {

/// Writes one JSON text from front to back and inserts the commas. Numbers are written so that reading gives
/// the same bits back; NaN and infinities become null.
class JsonWriter {
 public:
  JsonWriter& beginObject();
  JsonWriter& endObject();
  JsonWriter& beginArray();
  JsonWriter& endArray();
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(double number);
  JsonWriter& value(bool truth);
  JsonWriter& value(int number) { return value(static_cast<std::int64_t>(number)); }
  JsonWriter& value(std::int64_t number);
  JsonWriter& value(std::uint64_t number);
  JsonWriter& null();
  /// Text that is JSON already.
  JsonWriter& raw(std::string_view json);
  template <class T>
  JsonWriter& value(const std::vector<T>& list) {
    beginArray();
    for (const T& item : list) value(item);
    return endArray();
  }
  template <class T>
  JsonWriter& field(std::string_view name, const T& item) {
    return key(name).value(item);
  }
  /// The text so far; the writer is empty afterwards.
  std::string take();

 private:
  void separate();
  void append(std::string_view text);
  std::string text_;
  bool comma_ = false;
};

struct JsonMember;

/// A parsed value. Numbers are doubles, so integers are exact up to 2^53.
struct Json {
  using Array = std::vector<Json>;
  using Object = std::vector<JsonMember>;
  std::variant<std::nullptr_t, bool, double, std::string, Array, Object> value = nullptr;

  const Object* object() const { return std::get_if<Object>(&value); }
  const Array* array() const { return std::get_if<Array>(&value); }
  const std::string* string() const { return std::get_if<std::string>(&value); }
  const double* number() const { return std::get_if<double>(&value); }
  /// A member of an object; null where there is none.
  const Json* member(std::string_view name) const;
};

struct JsonMember {
  std::string name;
  Json value;
};

/// @param source what an error names, such as a file. @throws UserError with the source and the byte where it went
/// wrong.
Json parseJson(std::string_view text, const std::string& source);

}  // namespace chunkflow
