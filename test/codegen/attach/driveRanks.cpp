// Drives an attached library that carries collectives itself, as ranks that are processes: what arrives is what was sent, whatever
// the ranks skip or leave to the model, and a rank that is killed ends the others.
//   driveRanks SEED STEPS [KILLED]
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
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

struct Meeting {
  pthread_barrier_t barrier;
  char bytes[256];
};

struct Caller {
  Meeting* meeting;
  int rank;
};

int barrier(void* context) {
  pthread_barrier_wait(&static_cast<Caller*>(context)->meeting->barrier);
  return 0;
}

int broadcast(void* context, void* bytes, std::uint64_t count) {
  auto* caller = static_cast<Caller*>(context);
  if (caller->rank == 0) std::memcpy(caller->meeting->bytes, bytes, count);
  barrier(context);
  std::memcpy(bytes, caller->meeting->bytes, count);
  return barrier(context);
}

[[noreturn]] void fail(int rank, const std::string& what) {
  std::fprintf(stderr, "FAILED on rank %d: %s\n", rank, what.c_str());
  std::_Exit(1);
}

/// The eight bytes at a place of what one rank sends to another.
std::uint64_t sent(int from, int to, std::uint64_t exchange, std::uint64_t at) {
  return (at + 1) * 0x9E3779B97F4A7C15ull + exchange * 0xBF58476D1CE4E5B9ull +
         static_cast<std::uint64_t>(from * 16 + to) * 0x94D049BB133111EBull;
}

int run(Caller caller, int ranks, unsigned seed, long steps, int killed) {
  const int rank = caller.rank;
  std::mt19937 random(seed);  // the same on every rank: ranks of a model do the same
  const auto chance = [&](unsigned in) { return random() % in == 0; };
  const auto& program = chunkflow::ATTACHED;
  const int blocks = program.program.blocksPerPass;
  cf_attached* attached = cf_open(rank, 0);
  if (attached == nullptr) fail(rank, cf_error());
  const auto check = [&](int result) {
    if (result < -1) fail(rank, cf_error());
  };
  std::vector<std::uint64_t> buffer(1, 0), into;
  if (cf_exchange(attached, 0, buffer.data(), buffer.data(), 8, nullptr) == 0) fail(rank, "exchanges without a group");
  if (cf_join(attached, rank, ranks + 1, barrier, broadcast, &caller) == 0) fail(rank, "joins a group of another size");
  check(cf_join(attached, rank, ranks, barrier, broadcast, &caller));

  std::uint64_t exchanges = 0;
  for (long step = 0; step < steps; ++step) {
    for (int block = 0; block < blocks; ++block) {
      if (chance(20)) continue;
      check(cf_begin(attached, block, nullptr));
      const int collectives = program.blocks[static_cast<std::size_t>(block)].collectives();
      for (int index = 0; index < collectives; ++index) {
        if (chance(12)) continue;  // the model leaves it out
        if (chance(8)) {           // or does it by itself
          check(cf_collective_begins(attached, index, nullptr));
          check(cf_collective_ends(attached, index, nullptr));
          continue;
        }
        const std::uint64_t bytes = block < 4 ? 1000000 / (ranks - 1) : 600000 / (ranks - 1);
        const bool isGather = block >= 4;
        const std::uint64_t words = bytes / sizeof(std::uint64_t);
        buffer.resize(words * static_cast<std::uint64_t>(isGather ? 1 : ranks));
        into.assign(words * static_cast<std::uint64_t>(ranks), 0);
        for (int to = 0; to < (isGather ? 1 : ranks); ++to) {
          for (std::uint64_t i = 0; i < words; ++i) buffer[to * words + i] = sent(rank, isGather ? 0 : to, exchanges, i);
        }
        if (rank == killed && step == steps / 2) kill(getpid(), SIGKILL);
        if (cf_exchange(attached, index, buffer.data(), into.data(), bytes, nullptr) != 0) {
          if (killed < 0) fail(rank, cf_error());
          if (std::string(cf_error()).find("has ended or detached") == std::string::npos) fail(rank, cf_error());
          std::printf("rank %d: %s\n", rank, cf_error());
          std::fflush(stdout);
          std::_Exit(3);
        }
        for (int from = 0; from < ranks; ++from) {
          for (std::uint64_t i = 0; i < words; ++i) {
            const std::uint64_t expected = from == rank ? 0 : sent(from, isGather ? 0 : rank, exchanges, i);
            if (into[from * words + i] != expected) {
              fail(rank, "exchange " + std::to_string(exchanges) + ", word " + std::to_string(i) + " from rank " + std::to_string(from));
            }
          }
        }
        ++exchanges;
      }
      check(cf_end(attached, block, nullptr));
    }
  }
  check(cf_begin(attached, 0, nullptr));
  if (cf_exchange(attached, 0, buffer.data(), into.data(), 7, nullptr) == 0) fail(rank, "takes another size than the plan's");
  cf_counts_t counts;
  check(cf_counts(attached, &counts));
  if (counts.exchanged != exchanges) fail(rank, "exchanges are counted");
  barrier(&caller);
  cf_close(attached);
  if (rank == 0) std::printf("%llu exchanges\n", static_cast<unsigned long long>(exchanges));
  std::fflush(stdout);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const auto seed = static_cast<unsigned>(std::strtoul(arguments[1], nullptr, 10));
  const long steps = std::strtol(arguments[2], nullptr, 10);
  const int killed = count > 3 ? static_cast<int>(std::strtol(arguments[3], nullptr, 10)) : -1;
  const int ranks = chunkflow::ATTACHED.program.groupSize;
  auto* meeting = static_cast<Meeting*>(
      mmap(nullptr, sizeof(Meeting), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  pthread_barrierattr_t shared;
  pthread_barrierattr_init(&shared);
  pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
  pthread_barrier_init(&meeting->barrier, &shared, static_cast<unsigned>(ranks));
  for (int rank = 0; rank < ranks; ++rank) {
    if (fork() == 0) std::exit(run({meeting, rank}, ranks, seed, steps, killed));
  }
  int failed = 0;
  for (int rank = 0; rank < ranks; ++rank) {
    int status = 0;
    wait(&status);
    const bool isKilled = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    const bool isTold = WIFEXITED(status) && WEXITSTATUS(status) == 3;
    const bool isGood = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (killed < 0 ? !isGood : !isKilled && !isTold) failed = 1;
  }
  return failed;
}
