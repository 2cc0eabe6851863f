#include "base/json.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "base/error.hpp"

namespace chunkflow {

namespace {

/// Nesting limit, so that a hostile header cannot overflow the stack of the recursive parser.
constexpr int MAX_DEPTH = 64;

template <class T>
std::string numberText(T number) {
  std::array<char, 32> digits;
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  return std::string(digits.data(), result.ptr);
}

void appendEscaped(std::string& out, std::string_view text) {
  static constexpr char HEX[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (code < 0x20) {
      out += "\\u00";
      out += HEX[code >> 4];
      out += HEX[code & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void appendUtf8(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
    return;
  }
  if (point < 0x800) {
    out += static_cast<char>(0xc0 | (point >> 6));
  } else {
    if (point < 0x10000) {
      out += static_cast<char>(0xe0 | (point >> 12));
    } else {
      out += static_cast<char>(0xf0 | (point >> 18));
      out += static_cast<char>(0x80 | ((point >> 12) & 0x3f));
    }
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3f));
  }
  out += static_cast<char>(0x80 | (point & 0x3f));
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& source) : text_(text), source_(source) {}

  Json whole() {
    Json json = value(0);
    space();
    if (at_ != text_.size()) fail("nothing more");
    return json;
  }

 private:
  [[noreturn]] void fail(const std::string& expected) const {
    throw UserError(source_ + ": JSON at byte " + std::to_string(at_) + ": expected " + expected);
  }

  void space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }

  bool take(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool takeWord(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  Json value(int depth) {
    if (depth > MAX_DEPTH) fail("fewer levels of nesting");
    space();
    if (at_ >= text_.size()) fail("a value");
    const char c = text_[at_];
    if (c == '{') return object(depth);
    if (c == '[') return array(depth);
    if (c == '"') return {string()};
    if (takeWord("true")) return {true};
    if (takeWord("false")) return {false};
    if (takeWord("null")) return {nullptr};
    return number();
  }

  Json object(int depth) {
    ++at_;
    Json::Object members;
    if (take('}')) return {std::move(members)};
    do {
      space();
      if (at_ >= text_.size() || text_[at_] != '"') fail("a name in quotes");
      std::string name = string();
      if (!take(':')) fail("':'");
      members.push_back({std::move(name), value(depth + 1)});
    } while (take(','));
    if (!take('}')) fail("',' or '}'");
    return {std::move(members)};
  }

  Json array(int depth) {
    ++at_;
    Json::Array items;
    if (take(']')) return {std::move(items)};
    do items.push_back(value(depth + 1));
    while (take(','));
    if (!take(']')) fail("',' or ']'");
    return {std::move(items)};
  }

  Json number() {
    double number = 0;
    const auto result = std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
    if (result.ec != std::errc{} || !std::isfinite(number)) fail("a value");
    at_ = static_cast<std::size_t>(result.ptr - text_.data());
    return {number};
  }

  std::uint32_t fourHexDigits() {
    std::uint32_t code = 0;
    const std::string_view digits = text_.substr(at_, 4);
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() < 4 || result.ptr != digits.data() + 4) fail("four hexadecimal digits");
    at_ += 4;
    return code;
  }

  void escape(std::string& out) {
    static constexpr std::string_view NAMES = "\"\\/bfnrt";
    static constexpr std::string_view MEANT = "\"\\/\b\f\n\r\t";
    if (at_ >= text_.size()) fail("an escape");
    const char c = text_[at_++];
    if (c != 'u') {
      const std::size_t index = NAMES.find(c);
      if (index == std::string_view::npos) fail("an escape");
      out += MEANT[index];
      return;
    }
    std::uint32_t point = fourHexDigits();
    if (point >= 0xd800 && point < 0xdc00) {
      if (!takeWord("\\u")) fail("the second half of a surrogate pair");
      point = 0x10000 + ((point - 0xd800) << 10) + (fourHexDigits() - 0xdc00);
    }
    appendUtf8(out, point);
  }

  std::string string() {
    ++at_;
    std::string out;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') {
        ++at_;
        escape(out);
      } else {
        out += text_[at_++];
      }
    }
    if (at_ >= text_.size()) fail("'\"'");
    ++at_;
    return out;
  }

  std::string_view text_;
  const std::string& source_;
  std::size_t at_ = 0;
};

}  // namespace

void JsonWriter::separate() {
  if (comma_) text_ += ',';
}

void JsonWriter::append(std::string_view text) {
  separate();
  text_ += text;
  comma_ = true;
}

JsonWriter& JsonWriter::beginObject() {
  separate();
  text_ += '{';
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::endObject() {
  text_ += '}';
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::beginArray() {
  separate();
  text_ += '[';
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::endArray() {
  text_ += ']';
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  appendEscaped(text_, name);
  text_ += ':';
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  appendEscaped(text_, text);
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  append(std::isfinite(number) ? numberText(number) : "null");
  return *this;
}

JsonWriter& JsonWriter::value(bool truth) {
  append(truth ? "true" : "false");
  return *this;
}

JsonWriter& JsonWriter::value(std::int64_t number) {
  append(numberText(number));
  return *this;
}

JsonWriter& JsonWriter::value(std::uint64_t number) {
  append(numberText(number));
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  append(json);
  return *this;
}

JsonWriter& JsonWriter::null() {
  append("null");
  return *this;
}

std::string JsonWriter::take() {
  comma_ = false;
  return std::exchange(text_, {});
}

const Json* Json::member(std::string_view name) const {
  const Object* members = object();
  if (members == nullptr) return nullptr;
  for (const JsonMember& candidate : *members) {
    if (candidate.name == name) return &candidate.value;
  }
  return nullptr;
}

Json parseJson(std::string_view text, const std::string& source) { return Parser(text, source).whole(); }

}  // namespace chunkflow
