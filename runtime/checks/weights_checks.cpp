// Weights: shards against the whole, a checkpoint against random values, broken checkpoints, the arena.
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/random.hpp"
#include "base/summary.hpp"
#include "checks/check.hpp"
#include "weights/safetensors.hpp"
#include "weights/weight_arena.hpp"
#include "weights/weight_values.hpp"

using namespace chunkflow;

namespace {

constexpr std::uint64_t SEED = 7;

/// A block of one whole, one row-sharded and one column-sharded tensor, the last in two parts, as one of `shards`
/// holds it.
struct Example {
  explicit Example(int shards)
      : tensors{{"bias", 0, 1, 10, TensorLayout::Whole, {0, 0, 0}, 0.5f, 1},
                {"rows", 32, 12, 5, TensorLayout::Rows, {0, 0, 0}, 0.25f, 0},
                {"columns", 160, 3, 20, TensorLayout::Columns, {8, 12, 0}, 2, 0}},
        blocks{{"blocks.0.", 288, tensors, 1001}} {
    program.blocks = blocks;
    program.blocksPerPass = program.positions = 1;
    program.tensorShards = shards;
  }
  std::vector<std::byte> read(const WeightValues& values, std::uint64_t from = 0, std::uint64_t to = 288) const {
    std::vector<std::byte> bytes(to - from, std::byte{0xee});
    values.read(0, from, to, bytes.data());
    return bytes;
  }
  Tensor tensors[3];
  BlockWeights blocks[1];
  Program program{};
};

bf16 elementAt(const std::vector<std::byte>& bytes, std::size_t offset, std::size_t index) {
  bf16 value{};
  std::memcpy(&value, bytes.data() + offset + 2 * index, sizeof value);
  return value;
}

/// What place `before + index` of the block's whole tensors holds.
bool isRandom(bf16 value, std::uint64_t before, std::uint64_t index, float scale, float mean) {
  return value.bits == toBf16(mean + scale * valueAt(SEED, 1001 + before + index)).bits;
}

bool randomShardsAgree(int shards) {
  const Example example(shards);
  const auto count = static_cast<std::size_t>(shards);
  bool right = true;
  for (std::size_t shard = 0; shard < count; ++shard) {
    const auto bytes = example.read(*randomWeights(example.program, static_cast<int>(shard), SEED));
    for (std::size_t i = 0; i < 10; ++i) right &= isRandom(elementAt(bytes, 0, i), 0, i, 0.5f, 1);
    for (std::size_t i = 0; i < 60 / count; ++i) {
      right &= isRandom(elementAt(bytes, 32, i), 10, shard * (60 / count) + i, 0.25f, 0);
    }
    for (std::size_t row = 0; row < 3; ++row) {
      for (std::size_t i = 0; i < 20 / count; ++i) {
        const std::size_t first = 8 / count;
        const std::size_t column = i < first ? shard * first + i : 8 + shard * (12 / count) + (i - first);
        right &= isRandom(elementAt(bytes, 160, row * (20 / count) + i), 70, row * 20 + column, 2, 0);
      }
    }
    // Between the tensors there is nothing.
    for (std::size_t i = 20; i < 32; ++i) right &= bytes[i] == std::byte{0};
  }
  return right;
}

bool anyCutGivesTheSame() {
  const Example example(2);
  const auto values = randomWeights(example.program, 1, SEED);
  const auto whole = example.read(*values);
  for (std::uint64_t from = 0; from < 288; from += 2) {
    for (std::uint64_t to = from + 2; to <= 288; to += 2) {
      if (std::memcmp(example.read(*values, from, to).data(), whole.data() + from, to - from) != 0) return false;
    }
  }
  return true;
}

void writeFile(const std::string& path, const std::string& header, const std::string& data) {
  std::ofstream file(path, std::ios::binary);
  const std::uint64_t bytes = header.size();
  file.write(reinterpret_cast<const char*>(&bytes), sizeof bytes);
  file << header << data;
}

std::string entry(const char* name, const char* type, const char* shape, std::size_t from, std::size_t to) {
  return std::string("\"") + name + R"(":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":[)" +
         std::to_string(from) + "," + std::to_string(to) + "]}";
}

/// The message of the error that a call throws; "" for none.
std::string messageOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

void checkpoints(const std::string& folder) {
  const Example whole(1);
  const auto bytes = whole.read(*randomWeights(whole.program, 0, SEED));
  const auto text = [&](std::size_t from, std::size_t count) {
    return std::string(reinterpret_cast<const char*>(bytes.data()) + from, count);
  };
  // The rows as float32, the rest as bfloat16, in two files.
  std::string floats;
  for (std::size_t i = 0; i < 60; ++i) {
    const float value = toFloat(elementAt(bytes, 32, i));
    floats.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  writeFile(folder + "/1.safetensors",
            R"({"__metadata__":{"format":"pt\u00e9\n"},)" + entry("blocks.0.bias", "BF16", "[10]", 0, 20) + "," +
                entry("blocks.0.columns", "BF16", "[3,20,1]", 20, 140) + "}",
            text(0, 20) + text(160, 120));
  writeFile(folder + "/2.safetensors",
            "{" + entry("blocks.0.rows", "F32", "[12,5]", 0, 240) + "," + entry("step", "I64", "[]", 240, 248) + "}",
            floats + "12345678");
  bool same = true;
  for (int shard = 0; shard < 2; ++shard) {
    const Example half(2);
    const auto random = half.read(*randomWeights(half.program, shard, SEED));
    same &= half.read(*checkpointWeights(half.program, shard, folder)) == random;
  }
  check("a checkpoint of two files in two types gives each shard what it holds", same);

  const auto fails = [&](const std::string& name, const std::string& path, const std::string& part) {
    const std::string message = messageOf([&] { checkpointWeights(whole.program, 0, path); });
    check(name + ": " + message, message.find(part) != std::string::npos);
  };
  fails("a missing tensor is named", folder + "/1.safetensors", "there is no tensor blocks.0.rows");
  std::filesystem::copy_file(folder + "/2.safetensors", folder + "/cut");
  std::filesystem::resize_file(folder + "/cut", std::filesystem::file_size(folder + "/cut") - 9);
  const std::string bytesText = std::to_string(std::filesystem::file_size(folder + "/cut"));
  fails("a file that is cut off", folder + "/cut", "it has " + bytesText + " bytes");
  std::filesystem::resize_file(folder + "/cut", 30);
  fails("a header that is cut off", folder + "/cut", "30 bytes");
  std::filesystem::resize_file(folder + "/cut", 0);
  fails("an empty file", folder + "/cut", "is empty");
  writeFile(folder + "/bad", "{" + entry("blocks.0.bias", "BF16", "[11]", 0, 20) + "}", text(0, 20));
  fails("a shape that does not fit its bytes", folder + "/bad", "its shape needs 22 bytes");
  writeFile(folder + "/bad", "{" + entry("blocks.0.bias", "BF16", "[9]", 0, 18) + "}", text(0, 20));
  fails("another size than the program's", folder + "/bad", "is [9]; this program needs [1, 10]");
  writeFile(folder + "/bad",
            "{" + entry("blocks.0.bias", "BF16", "[1,2,5]", 0, 20) + "," + entry("blocks.0.rows", "BF16", "[5,12]", 20, 140) +
                "}",
            text(0, 20) + text(160, 120));
  fails("a matrix that lies transposed, behind a vector that lies folded", folder + "/bad",
        "tensor blocks.0.rows is [5, 12]; this program needs [12, 5]");
  writeFile(folder + "/bad", "{" + entry("blocks.0.bias", "F8_E4M3", "[10]", 0, 10) + "}", text(0, 20));
  fails("a type that no weight has", folder + "/bad", "is of type F8_E4M3");
  writeFile(folder + "/bad", R"({"a":[1,2)", "");
  fails("a header that is no JSON", folder + "/bad", "JSON at byte");
  writeFile(folder + "/bad", "{" + entry("x", "BF16", "[4294967296,4294967296,4294967296]", 0, 20) + "}", text(0, 20));
  fails("a shape beyond all numbers", folder + "/bad", "too large");

  writeFile(folder + "/half", "{" + entry("h", "F16", "[6]", 0, 12) + "}",
            std::string("\x00\x3c\x00\xc0\x01\x00\x00\x7c\xff\x7b\x00\x80", 12));
  std::vector<bf16> read(6);
  const Safetensors half(folder + "/half", "--weights");
  readAsBf16(half.tensor("h"), 0, read);
  const float expected[] = {1, -2, 5.9604645e-08f, INFINITY, 65504, -0.0f};
  bool halves = true;
  for (std::size_t i = 0; i < 6; ++i) halves &= read[i].bits == toBf16(expected[i]).bits;
  check("float16: ordinary, subnormal, infinite and largest values", halves);
  std::vector<float> wide(2);
  readAsFloat(half.tensor("h"), 1, wide);
  check("and as float32", wide[0] == expected[1] && wide[1] == expected[2]);

  using Shape = std::vector<std::int64_t>;
  const std::tuple<Shape, std::int64_t, std::int64_t, bool> foldings[] = {
      {{1, 6, 8}, 1, 48, true},  {{6, 8}, 1, 48, true},     {{6, 8}, 6, 8, true},       {{8, 6}, 6, 8, false},
      {{48}, 48, 1, true},       {{6, 2, 2, 2}, 6, 8, true}, {{1, 48, 1, 1}, 48, 1, true}, {{4, 12}, 6, 8, false},
      {{}, 1, 1, true},          {{47}, 1, 48, false},       {{2, 3, 8}, 6, 8, true},    {{0, 8}, 0, 8, true},
  };
  bool folded = true;
  for (const auto& [shape, rows, columns, folds] : foldings) folded &= foldsTo(shape, rows, columns) == folds;
  check("shapes that fold to a matrix, and shapes that do not", folded);
}

void arena() {
  Example example(1);
  const std::uint64_t none[] = {288}, front[] = {64};
  PlanProgram plans[2]{};
  plans[0].residentBytes = none;
  plans[1].residentBytes = front;
  example.program.plans = plans;
  const auto device = Device::open(0);
  const int both[] = {0, 1};
  check("plans that stream nothing need no arena", WeightArena::bytesFor(example.program, std::span(both, 1)) == 0);
  WeightArena arena(*device, example.program, both, 1);
  const auto values = randomWeights(example.program, 0, SEED);
  arena.fill(*values);
  check("an arena holds what is behind the smallest front", arena.heldFrom(0) == 64 && arena.bytes() == 256);
  check("at its place", std::memcmp(arena.at(0, 100), example.read(*values).data() + 100, 188) == 0);
  arena.setLocked(false);
  arena.setLocked(true);
  check("and still when it was pageable for a while",
        std::memcmp(arena.at(0, 64), example.read(*values).data() + 64, 224) == 0);
}

void arenaBySlots() {
  // Three blocks alike; the second is resident in part.
  Example example(1);
  const std::vector<BlockWeights> blocks(3, example.blocks[0]);
  const std::uint64_t front[] = {0, 32, 0};
  PlanProgram plan{};
  plan.residentBytes = front;
  example.program.blocks = blocks;
  example.program.plans = std::span(&plan, 1);
  const auto device = Device::open(0);
  const int plans[] = {0};
  WeightArena arena(*device, example.program, plans, 1, ArenaLayout::Surveyed);
  check("without spare slots an arena is as large as its blocks' slots", arena.bytes() == 3 * 512 && arena.slots() == 3);
  arena.useSpare(511);
  check("a spare slot needs its bytes", arena.slots() == 3);
  arena.useSpare(512);
  check("and is used where they are", arena.slots() == 4 && arena.bytes() == 4 * 512);
  arena.pin();
  const std::size_t slots[] = {3, 0, 1};
  arena.place(slots);
  const auto values = randomWeights(example.program, 0, SEED);
  arena.fill(*values);
  bool right = true;
  for (int block = 0; block < 3; ++block) {
    std::vector<std::byte> expected(288 - front[block]);
    values->read(static_cast<std::size_t>(block), front[block], 288, expected.data());
    right &= arena.at(block, front[block]) == arena.slot(slots[block]);
    right &= std::memcmp(arena.at(block, front[block]), expected.data(), expected.size()) == 0;
  }
  check("blocks lie whole in the slots that they were given", right);
}

void json() {
  JsonWriter writer;
  writer.beginObject().field("a\"\n", 0.1).field("nan", NAN).key("list").value(std::vector<int>{1, 2});
  writer.key("o").beginObject().endObject().field("big", std::uint64_t{18446744073709551615u}).endObject();
  const std::string text = writer.take();
  check("JSON is written as it should be: " + text,
        text == R"({"a\"\u000a":0.1,"nan":null,"list":[1,2],"o":{},"big":18446744073709551615})");
  const Json back = parseJson(text, "text");
  check("and read again", *back.member("a\"\n")->number() == 0.1 && back.member("list")->array()->size() == 2);
  check("surrogate pairs become one character", *parseJson(R"("\ud83d\ude00")", "text").string() == "\xf0\x9f\x98\x80");
  for (const char* bad : {"", "{", "[1,]", "{\"a\" 1}", "\"a", "nul", "1 2", "\"\\x\"", "\"\\ud83d\""}) {
    check(std::string("refused: ") + bad, throws<UserError>([&] { parseJson(bad, "text"); }));
  }
  check("nesting without end is refused", throws<UserError>([] { parseJson(std::string(100'000, '['), "text"); }));
}

void summaries() {
  const double readings[] = {5, 1, 2, 4, 3};
  const Summary s = summarise(readings);
  check("median, deviation and deciles", s.median == 3 && s.mad == 1 && std::abs(s.p10 - 1.4) < 1e-12 &&
                                             std::abs(s.p90 - 4.6) < 1e-12 && s.min == 1 && !s.steady());
}

}  // namespace

int main() {
  for (const int shards : {1, 2, 4}) {
    check("random values by place, " + std::to_string(shards) + " shards", randomShardsAgree(shards));
  }
  check("any part of a block can be read alone", anyCutGivesTheSame());
  char folder[] = "/tmp/chunkflow-weights-XXXXXX";
  if (mkdtemp(folder) == nullptr) return 1;
  checkpoints(folder);
  std::filesystem::remove_all(folder);
  arena();
  arenaBySlots();
  json();
  summaries();
  return failedChecks == 0 ? 0 : 1;
}
