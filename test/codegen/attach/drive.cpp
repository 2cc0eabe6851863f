// Drives an attached library as a model would, in random orders, and looks at a block's bytes whenever the model may read them.
//   drive SEED STEPS
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "attached/attached.h"
#include "attached/attached_program.hpp"

namespace {

std::uint64_t version = 0;  // of all weights

/// The eight bytes at a place of a block. Words, since under the thread sanitizer each access takes longer than the work between two.
std::uint64_t wordAt(int block, std::uint64_t index) {
  std::uint64_t x = index * 0x9E3779B97F4A7C15ull + static_cast<std::uint64_t>(block) * 0xBF58476D1CE4E5B9ull + version;
  x ^= x >> 29;
  return x * 0x94D049BB133111EBull;
}

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "FAILED: %s\n", what.c_str());
  std::exit(1);
}

void check(int result) {
  if (result < -1) fail(cf_error());
}

/// A whole number of words.
std::uint64_t bytesOf(int block) { return chunkflow::ATTACHED.program.blocks[static_cast<std::size_t>(block)].bytes; }

std::vector<std::uint64_t> wordsOf(int block) {
  std::vector<std::uint64_t> words(bytesOf(block) / sizeof(std::uint64_t));
  for (std::uint64_t i = 0; i < words.size(); ++i) words[i] = wordAt(block, i);
  return words;
}

void loadAll(cf_attached* attached, int blocks) {
  for (int block = 0; block < blocks; ++block) {
    const std::vector<std::uint64_t> words = wordsOf(block);
    const auto* bytes = reinterpret_cast<const unsigned char*>(words.data());
    // In two pieces that lie across the resident front's end somewhere. A host's device memory is memory like any other.
    const std::uint64_t all = bytesOf(block), third = all / 3;
    const int isOnDevice = block % 2;
    check(cf_load(attached, block, bytes, isOnDevice, 0, third));
    check(cf_load(attached, block, bytes + third, isOnDevice, third, all - third));
    std::vector<std::uint64_t> again(words.size());
    check(cf_read(attached, block, again.data(), 0, all));
    if (again != words) fail("block " + std::to_string(block) + " does not read back");
  }
}

void expect(cf_attached* attached, int block, int slot, const char* when) {
  const auto* words = static_cast<const std::uint64_t*>(cf_device(attached, block, slot));
  if (words == nullptr) fail("block " + std::to_string(block) + " has no place in slot " + std::to_string(slot));
  // Every word now and then, some words of every page always.
  static std::uint64_t looks = 0;
  const std::uint64_t stride = looks++ % 64 == 0 ? 1 : 31;
  for (std::uint64_t i = 0; i < bytesOf(block) / sizeof(std::uint64_t); i += stride) {
    if (words[i] != wordAt(block, i)) {
      fail("block " + std::to_string(block) + " word " + std::to_string(i) + " in slot " + std::to_string(slot) + ", " + when);
    }
  }
}

/// Two libraries on one host copy: the one fills it, the other has the same blocks and writes nothing of what is streamed.
void shareOneCopy(int blocks) {
  const std::string facts = cf_facts();
  const std::string key = "\"hostBytes\":";
  const long bytes = std::strtol(facts.c_str() + facts.find(key) + key.size(), nullptr, 10);
  const int memory = memfd_create("weights", MFD_CLOEXEC);
  if (memory < 0 || ftruncate(memory, bytes) != 0) fail("no memory to share");
  cf_attached* first = cf_open_shared(0, 0, memory, 1);
  cf_attached* second = cf_open_shared(0, 0, memory, 0);
  if (first == nullptr || second == nullptr) fail(cf_error());
  close(memory);
  loadAll(first, blocks);
  loadAll(second, blocks);
  ++version;
  loadAll(first, blocks);
  for (int block = 0; block < blocks; ++block) {
    // Its own resident fronts, and nothing of what it was given otherwise.
    std::vector<std::uint64_t> own = wordsOf(block);
    const std::uint64_t front = chunkflow::ATTACHED.program.plans[0].residentBytes[static_cast<std::size_t>(block)];
    std::memset(reinterpret_cast<unsigned char*>(own.data()) + front, 0xA5, bytesOf(block) - front);
    check(cf_load(second, block, own.data(), 0, 0, bytesOf(block)));
  }
  for (cf_attached* each : {first, second}) {
    for (int block = 0; block < blocks; ++block) {
      const int slot = cf_begin(each, block, nullptr);
      check(slot);
      expect(each, block, slot, "from a shared copy");
      check(cf_end(each, block, nullptr));
    }
  }
  cf_close(first);
  cf_close(second);
}

}  // namespace

int main(int, char** arguments) {
  std::mt19937 random(static_cast<unsigned>(std::strtoul(arguments[1], nullptr, 10)));
  const long steps = std::strtol(arguments[2], nullptr, 10);
  const auto chance = [&](unsigned in) { return random() % in == 0; };
  const auto& program = chunkflow::ATTACHED;
  const int blocks = program.program.blocksPerPass;
  if (bytesOf(0) > program.program.plans[0].residentBytes[0] && cf_open(0, 1) != nullptr) fail("a limit of one byte is kept to");
  cf_attached* attached = cf_open(0, 0);
  if (attached == nullptr) fail(cf_error());
  loadAll(attached, blocks);
  if (cf_begin(attached, blocks, nullptr) >= -1) fail("a block that is not there begins");

  std::uint64_t orderly = 0, begun = 0;
  for (long step = 0; step < steps; ++step) {
    const bool inOrder = !chance(3);
    for (int next = 0; next < blocks; ++next) {
      if (!inOrder && chance(8)) break;        // the step is aborted
      if (!inOrder && chance(8)) continue;     // a block is skipped
      const int block = !inOrder && chance(8) ? static_cast<int>(random() % static_cast<unsigned>(blocks)) : next;
      const int slot = cf_begin(attached, block, nullptr);
      check(slot);
      ++begun;
      expect(attached, block, slot, "at its begin");
      const int collectives = program.blocks[static_cast<std::size_t>(block)].collectives();
      for (int index = 0; index < collectives + (chance(20) ? 1 : 0); ++index) {
        if (!inOrder && chance(6)) continue;   // the model leaves one out
        const auto mustHear = [&](int point) {
          const auto& of = program.blocks[static_cast<std::size_t>(block)];
          return index >= collectives || of.enqueuesAt(index, point) || chance(2);
        };
        if (mustHear(0)) check(cf_collective_begins(attached, index, nullptr));
        expect(attached, block, slot, "beside a collective");
        if (mustHear(1)) check(cf_collective_ends(attached, index, nullptr));
        expect(attached, block, slot, "behind a collective");
      }
      if (!inOrder && chance(10)) continue;    // an exception leaves the block
      check(cf_end(attached, block, nullptr));
    }
    orderly += inOrder ? 1 : 0;
    if (chance(12)) {
      ++version;
      loadAll(attached, blocks);
    }
    if (chance(9)) check(cf_invalidate(attached));
  }
  cf_counts_t counts;
  check(cf_counts(attached, &counts));
  if (counts.begins != begun) fail("begins are counted");
  cf_close(attached);
  shareOneCopy(blocks);
  std::printf("%llu begins, %llu restarts, %llu late windows, %llu chunks, %llu bytes, %llu steps in order\n",
              static_cast<unsigned long long>(counts.begins), static_cast<unsigned long long>(counts.restarts),
              static_cast<unsigned long long>(counts.late_windows), static_cast<unsigned long long>(counts.chunks),
              static_cast<unsigned long long>(counts.bytes), static_cast<unsigned long long>(orderly));
}
