#include <exception>
#include <string>

#include "attached/attached.h"
#include "attached/attached.hpp"

using namespace chunkflow;

struct cf_attached {
  Attached attached;
};

namespace {

constexpr int FAILED = -2;

std::string& lastError() {
  thread_local std::string text;
  return text;
}

/// No exception passes into C.
template <class Result, class Work>
Result guarded(Result failed, Work work) {
  try {
    return work();
  } catch (const std::exception& error) {
    lastError() = error.what();
  } catch (...) {
    lastError() = "unknown exception";
  }
  return failed;
}

template <class Work>
int done(Work work) {
  return guarded(FAILED, [&] {
    work();
    return 0;
  });
}

}  // namespace

const char* cf_error(void) { return lastError().c_str(); }

const char* cf_facts(void) {
  static const std::string facts = attachedFacts(ATTACHED, backendName());
  return facts.c_str();
}

cf_attached* cf_open(int device, uint64_t pinned_limit) { return cf_open_shared(device, pinned_limit, -1, 1); }

cf_attached* cf_open_shared(int device, uint64_t pinned_limit, int descriptor, int fills) {
  return guarded(static_cast<cf_attached*>(nullptr), [&] {
    return new cf_attached{{ATTACHED, device, pinned_limit, SharedCopy{descriptor, fills != 0}}};
  });
}

void cf_close(cf_attached* attached) { delete attached; }

void* cf_device(cf_attached* attached, int block, int slot) {
  return guarded(static_cast<void*>(nullptr), [&]() -> void* { return attached->attached.device(block, slot); });
}

int cf_load(cf_attached* attached, int block, const void* source, int on_device, uint64_t from, uint64_t bytes) {
  return done([&] {
    attached->attached.load(block, static_cast<const std::byte*>(source), on_device != 0, from, bytes);
  });
}

int cf_read(cf_attached* attached, int block, void* host, uint64_t from, uint64_t bytes) {
  return done([&] { attached->attached.read(block, static_cast<std::byte*>(host), from, bytes); });
}

int cf_begin(cf_attached* attached, int block, void* stream) {
  return guarded(FAILED, [&] { return attached->attached.begin(block, stream); });
}

int cf_collective_begins(cf_attached* attached, int index, void* stream) {
  return done([&] { attached->attached.collectiveBegins(index, stream); });
}

int cf_collective_ends(cf_attached* attached, int index, void* stream) {
  return done([&] { attached->attached.collectiveEnds(index, stream); });
}

int cf_end(cf_attached* attached, int block, void* stream) {
  return done([&] { attached->attached.end(block, stream); });
}

int cf_join(cf_attached* attached, int rank, int ranks, int (*barrier)(void*), int (*broadcast)(void*, void*, uint64_t),
            void* context) {
  return done([&] { attached->attached.join({barrier, broadcast, context}, rank, ranks); });
}

int cf_exchange(cf_attached* attached, int index, const void* send, void* recv, uint64_t bytes_per_peer, void* stream) {
  return done([&] {
    attached->attached.exchange(index, static_cast<const std::byte*>(send), static_cast<std::byte*>(recv), bytes_per_peer,
                                stream);
  });
}

int cf_invalidate(cf_attached* attached) {
  return done([&] { attached->attached.invalidate(); });
}

int cf_synchronize(cf_attached* attached) {
  return done([&] { attached->attached.synchronize(); });
}

int cf_counts(cf_attached* attached, cf_counts_t* counts) {
  return done([&] {
    const AttachedCounts of = attached->attached.counts();
    *counts = {of.begins, of.restarts, of.lateWindows, of.unplanned, of.exchanged, of.chunks, of.bytes, of.waitedNs};
  });
}
