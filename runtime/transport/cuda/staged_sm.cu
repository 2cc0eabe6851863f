// staged-sm on a GPU: one kernel per exchange. Its first blocks write to staging and its last ones read from it;
// writers wait for nobody, so they are first to find a place and nothing can stand still.
#include <cstdlib>
#include <string>

#include "device/cuda/device.hpp"
#include "device/cuda/errors.hpp"
#include "transport/staged_sm.hpp"

namespace chunkflow {
namespace {

// Reads under way over the link decide how fast a thread block is. On an H200 two blocks of this size, four loads a
// thread, are meant to move what NCCL moves through host memory; more blocks move more.
constexpr int THREADS = 448;

/// Counters that persist across kernels; in device memory, so that captured kernels advance them too.
struct StagedState {
  std::uint32_t count;       // of every writer's flag before this exchange
  std::uint32_t read;        // of every reader's
  std::uint32_t collective;  // which half of staging
  std::uint32_t finished;    // blocks of the running kernel
};

struct StagedArguments {
  StagedExchange exchange;
  std::byte* halves[MOST_STAGED_SM_RANKS][2];
  std::byte* flags[MOST_STAGED_SM_RANKS];  // the first of staged-sm
  std::uint64_t flagStride;
  const std::uint32_t* abortWord;
  StagedState* state;
};

__device__ std::uint32_t loadAcquire(const std::uint32_t* address) {
  std::uint32_t value;
  asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(value) : "l"(address) : "memory");
  return value;
}

__device__ void storeRelease(std::uint32_t* address, std::uint32_t value) {
  asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(address), "r"(value) : "memory");
}

/// Volatile load that bypasses the caches: other devices write there.
__device__ uint4 loadStaged(const uint4* address) {
  uint4 value;
  asm volatile("ld.volatile.global.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
               : "l"(address)
               : "memory");
  return value;
}

template <bool STAGED>
__device__ uint4 load(const uint4* address) {
  if constexpr (STAGED) return loadStaged(address);
  return *address;
}

/// A whole block copies. @tparam UNROLL loads that each thread has under way at once.
template <int UNROLL, bool FROM_STAGING>
__device__ void copy(std::byte* to, const std::byte* from, std::uint64_t bytes) {
  const int thread = static_cast<int>(threadIdx.x);
  if ((reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from)) % sizeof(uint4) != 0) {
    const auto* source = reinterpret_cast<const volatile unsigned char*>(from);
    for (std::uint64_t i = thread; i < bytes; i += THREADS) to[i] = static_cast<std::byte>(source[i]);
    return;
  }
  auto* vectorTo = reinterpret_cast<uint4*>(to);
  const auto* vectorFrom = reinterpret_cast<const uint4*>(from);
  const int vectors = static_cast<int>(bytes / sizeof(uint4));
  int at = thread;
  for (; at + (UNROLL - 1) * THREADS < vectors; at += UNROLL * THREADS) {
    uint4 values[UNROLL];
#pragma unroll
    for (int i = 0; i < UNROLL; ++i) values[i] = load<FROM_STAGING>(vectorFrom + at + i * THREADS);
#pragma unroll
    for (int i = 0; i < UNROLL; ++i) vectorTo[at + i * THREADS] = values[i];
  }
  for (; at < vectors; at += THREADS) vectorTo[at] = load<FROM_STAGING>(vectorFrom + at);
  if (thread == 0) {
    const auto* source = reinterpret_cast<const volatile unsigned char*>(from);
    for (std::uint64_t i = vectors * sizeof(uint4); i < bytes; ++i) to[i] = static_cast<std::byte>(source[i]);
  }
}

/// One thread waits for a flag. @param seen what the flag was last seen at, so that a reader that is behind need not
/// look again.
/// @returns false when the run has been given up.
__device__ bool reached(const std::uint32_t* flag, std::uint32_t target, std::uint32_t& seen,
                        const std::uint32_t* abortWord) {
  constexpr unsigned POLLS_PER_LOOK = 32;
  for (unsigned poll = 1; static_cast<std::int32_t>(seen - target) < 0; ++poll) {
    seen = loadAcquire(flag);
    if (static_cast<std::int32_t>(seen - target) >= 0) break;
    if (poll % POLLS_PER_LOOK == 0 && loadAcquire(abortWord) != 0) return false;
    __nanosleep(40);
  }
  return true;
}

__device__ std::uint32_t* flagOf(const StagedArguments& arguments, int rank, int index) {
  return reinterpret_cast<std::uint32_t*>(arguments.flags[rank] + index * arguments.flagStride);
}

/// One thread waits until readers `cta` of some ranks have read what is about to be overwritten.
/// @returns false when the run has been given up.
__device__ bool haveRead(const StagedArguments& arguments, const StagedExchange::Readers& readers, int cta) {
  const StagedExchange& exchange = arguments.exchange;
  for (int i = 0; i < readers.count; ++i) {
    const int reader = (readers.first + i) % exchange.groupSize;
    // Behind the target, so that the flag is looked at.
    std::uint32_t seen = readers.flag - 1;
    if (!reached(flagOf(arguments, reader, readFlag(cta, exchange.rank)), readers.flag, seen, arguments.abortWord)) {
      return false;
    }
  }
  return true;
}

template <int UNROLL>
__device__ void write(const StagedArguments& arguments, int cta, const StagedState& state, std::uint32_t half) {
  const StagedExchange& exchange = arguments.exchange;
  std::uint32_t* flag = flagOf(arguments, exchange.rank, cta);
  const std::uint32_t slices = exchange.slices();
  const bool inRing = exchange.ring > 0;
  std::byte* own = arguments.halves[exchange.rank][inRing ? 0 : half];
  std::uint32_t count = state.count;
  for (int turn = 0; turn < exchange.messagesWritten(); ++turn) {
    const int peer = exchange.writtenFor(turn);
    std::byte* staged = own + exchange.placeInStaging(exchange.rank, peer);
    for (std::uint32_t index = 0; index < slices; ++index) {
      const StagedExchange::Slice slice = exchange.slice(cta, index);
      const std::uint32_t number = count - state.count;
      if (inRing && (number == 0 || number >= exchange.ring)) {
        const auto readers = number == 0 ? exchange.readersOfAll(state.read) : exchange.readersBefore(state.read, number);
        const bool givenUp = threadIdx.x == 0 && !haveRead(arguments, readers, cta);
        if (__syncthreads_or(givenUp)) return;
      }
      ++count;
      std::byte* to = inRing ? own + exchange.placeInRing(cta, count) : staged + slice.from;
      copy<UNROLL, false>(to, exchange.outgoing(peer) + slice.from, slice.bytes);
      __syncthreads();
      if (threadIdx.x == 0) {
        __threadfence_system();
        storeRelease(flag, count);
      }
    }
  }
}

template <int UNROLL>
__device__ void read(const StagedArguments& arguments, int cta, const StagedState& state, std::uint32_t half) {
  const StagedExchange& exchange = arguments.exchange;
  const bool inRing = exchange.ring > 0;
  const std::uint32_t readings = exchange.readings();
  int lastWriter = -1;
  std::uint32_t seen = 0;
  for (std::uint32_t number = 0; number < readings; ++number) {
    const StagedExchange::Reading reading = exchange.reading(number);
    const int peer = exchange.readFrom(reading.turn);
    const int writer = exchange.stagedBy(peer);
    if (writer != lastWriter) seen = state.count;
    lastWriter = writer;
    const std::uint32_t target = state.count + exchange.flagBefore(reading.turn, reading.slice);
    const bool givenUp = threadIdx.x == 0 && !reached(flagOf(arguments, writer, cta), target, seen, arguments.abortWord);
    // __syncthreads_or hands the result to all threads at once; a shared variable could be overwritten before some have read it.
    if (__syncthreads_or(givenUp)) return;
    const StagedExchange::Slice slice = exchange.slice(cta, reading.slice);
    const std::byte* staged = arguments.halves[writer][inRing ? 0 : half];
    const std::uint64_t place = inRing ? exchange.placeInRing(cta, target) : exchange.placeOfIncoming(peer) + slice.from;
    copy<UNROLL, true>(exchange.incoming(peer) + slice.from, staged + place, slice.bytes);
    if (!inRing || !reading.isLast) continue;
    // Every thread's loads have returned: their values have been stored.
    __syncthreads();
    if (threadIdx.x == 0) {
      __threadfence_system();
      storeRelease(flagOf(arguments, exchange.rank, readFlag(cta, writer)),
                   exchange.flagBehind(state.read, reading.turn, reading.slice));
    }
  }
}

template <int UNROLL>
__global__ void __launch_bounds__(THREADS) stagedSmKernel(const __grid_constant__ StagedArguments arguments) {
  const int ctas = arguments.exchange.ctas;
  const int block = static_cast<int>(blockIdx.x);
  const StagedState before = *arguments.state;
  if (block < ctas) {
    write<UNROLL>(arguments, block, before, before.collective & 1);
  } else {
    read<UNROLL>(arguments, block - ctas, before, before.collective & 1);
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  __threadfence();
  if (atomicAdd(&arguments.state->finished, 1) + 1 < gridDim.x) return;
  // All blocks have read the state by now, and the next kernel has not begun.
  const StagedExchange& exchange = arguments.exchange;
  *arguments.state = {before.count + exchange.flagCount(), before.read + exchange.readCount(), before.collective + 1, 0};
}

using Kernel = void (*)(StagedArguments);

/// Loads under way per thread: what suits a link and a GPU is a matter of measurement.
Kernel chosenKernel() {
  const char* value = std::getenv("CHUNKFLOW_STAGED_UNROLL");
  const std::string unroll = value == nullptr || *value == '\0' ? "4" : value;
  if (unroll == "1") return stagedSmKernel<1>;
  if (unroll == "2") return stagedSmKernel<2>;
  if (unroll == "3") return stagedSmKernel<3>;
  if (unroll == "4") return stagedSmKernel<4>;
  if (unroll == "8") return stagedSmKernel<8>;
  throw UserError("CHUNKFLOW_STAGED_UNROLL is \"" + unroll + "\"; expected 1, 2, 3, 4 or 8");
}

class StagedSmOnCuda : public StagedSm {
 public:
  StagedSmOnCuda(Device& device, const Group& group, Staging& staging, int ctas, int ring)
      : StagedSm(group, staging, ctas, ring), kernel_(chosenKernel()), state_(device.buffer(sizeof(StagedState))) {
    checkCuda(cudaMemset(state_->data(), 0, sizeof(StagedState)), "clearing the counters of staged-sm");
    checkCuda(cudaDeviceSynchronize(), "clearing the counters of staged-sm");
    // Page-locked memory may have another address on the device; all of staging moves by the same distance.
    const CudaDevice& shared = *device.impl().device;
    const std::uint32_t* abortWord = staging.abortWord();
    const auto moved = [from = reinterpret_cast<std::byte*>(staging.abortWord()),
                        to = reinterpret_cast<std::byte*>(deviceAddress(shared, abortWord))](void* host) {
      return to + (static_cast<std::byte*>(host) - from);
    };
    for (int rank = 0; rank < stagingRanks(); ++rank) {
      for (const std::uint32_t half : {0u, 1u}) arguments_.halves[rank][half] = moved(staging.outgoing(rank, half));
      arguments_.flags[rank] = moved(staging.flag(rank, FIRST_STAGED_SM_FLAG));
    }
    arguments_.flagStride = static_cast<std::uint64_t>(reinterpret_cast<std::byte*>(staging.flag(0, 1)) -
                                                       reinterpret_cast<std::byte*>(staging.flag(0, 0)));
    arguments_.abortWord = reinterpret_cast<const std::uint32_t*>(moved(staging.abortWord()));
    arguments_.state = reinterpret_cast<StagedState*>(state_->data());
  }

 protected:
  void enqueue(Stream& stream, const StagedExchange& exchange) override {
    StagedArguments arguments = arguments_;
    arguments.exchange = exchange;
    kernel_<<<2 * exchange.ctas, THREADS, 0, cudaStreamOf(stream)>>>(arguments);
    checkLaunch("staged-sm");
  }

 private:
  Kernel kernel_;
  std::unique_ptr<DeviceBuffer> state_;
  StagedArguments arguments_{};
};

}  // namespace

std::unique_ptr<Transport> stagedSmTransport(Device& device, Group& group, Staging& staging, int ctas, int ring) {
  return std::make_unique<StagedSmOnCuda>(device, group, staging, ctas, ring);
}

}  // namespace chunkflow
