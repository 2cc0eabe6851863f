// Checks of the host backend: order between streams, copies and memory, flags and gates, graphs.
#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/random.hpp"
#include "checks/check.hpp"
#include "device/device.hpp"

namespace chunkflow {
namespace {

void checkEvents(Device& device) {
  auto a = device.stream("a"), b = device.stream("b");
  auto event = device.event(false);

  int value = 0, seen = -1;
  wait(*b, *event);  // never recorded: done
  delay(*a, 0.02);
  callOnHost(*a, [&] { value = 1; });
  record(*a, *event);
  wait(*b, *event);
  callOnHost(*b, [&] { seen = value; });
  const bool busy = !idle(*a);
  synchronize(*b);
  check("event: a stream waits for another's work", seen == 1);
  check("event: enqueuing returns at once", busy);
  check("event: an idle stream says so", idle(*b));

  // The wait is for the first record; the second, made behind it on a stream that is held, must not count.
  std::uint32_t gate = 0;
  record(*a, *event);
  wait(*b, *event);
  awaitGate(*a, &gate, 1);
  record(*a, *event);
  synchronize(*b);
  check("event: a wait means the latest record before it", !idle(*a));
  setGate(*b, &gate, 1);
  device.synchronize();
  check("gate: set by one stream, it opens another", idle(*a) && gate == 1);

  // Recorded on a stream that is held, then on a free one: a wait between the two still means the first.
  gate = 0;
  auto c = device.stream("c");
  awaitGate(*a, &gate, 1);
  callOnHost(*a, [&] { value = 2; });
  record(*a, *event);
  wait(*c, *event);
  callOnHost(*c, [&] { seen = value; });
  record(*b, *event);
  synchronize(*b);
  setGate(*b, &gate, 1);
  device.synchronize();
  check("event: a later record elsewhere does not end an earlier wait", seen == 2);
}

void checkTimes(Device& device) {
  auto stream = device.stream("timed");
  auto from = device.event(true), to = device.event(true), untimed = device.event(false);
  record(*stream, *from);
  delay(*stream, 0.01);
  record(*stream, *to);
  check("elapsed: an event that is not done is an error", throws<RunError>([&] { elapsedS(*from, *to); }));
  synchronize(*stream);
  const double seconds = elapsedS(*from, *to);
  check("delay: takes as long as it says", seconds >= 0.01 && seconds < 0.5);
  record(*stream, *untimed);
  synchronize(*stream);
  check("elapsed: an untimed event is an error", throws<RunError>([&] { elapsedS(*from, *untimed); }));
}

void checkFlags(Device& device) {
  auto a = device.stream("a"), b = device.stream("b");
  auto memory = device.buffer(64);
  auto* step = reinterpret_cast<std::uint32_t*>(memory->data());
  *step = 0;
  // Close to the wrap, so that a plain comparison would be wrong.
  std::uint32_t flag = 0xfffffff0u;
  const StepBase base{0xfffffff8u, step};
  int value = 0, seen = -1;
  await(*b, &flag, base, 16);
  callOnHost(*b, [&] { seen = value; });
  signal(*a, &flag, base, 4);
  synchronize(*a);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  check("flag: not reached, the stream stands", !idle(*b));
  callOnHost(*a, [&] { value = 1; });
  signal(*a, &flag, base, 20);
  device.synchronize();
  check("flag: beyond the wrap, what lies before it is visible", seen == 1 && flag == 12u);
  advance(*a, base, 7);
  advance(*a, base, 5);
  synchronize(*a);
  check("flag: advance adds to the device's word", *step == 12);
}

void checkMemory(Device& device) {
  const MemoryUse before = device.memory();
  {
    auto shared = device.pages(3 << 20), own = device.pages(1);
    check("pages: whole pages", shared->bytes() == 2 * DEVICE_PAGE_BYTES && own->bytes() == DEVICE_PAGE_BYTES);
    Pages* const first[] = {own.get(), shared.get()};
    Pages* const second[] = {shared.get()};
    auto both = device.view(first), one = device.view(second);
    auto stream = device.stream("memory");
    fill(*stream, both->data(), 1, 3 * DEVICE_PAGE_BYTES);
    fill(*stream, one->data() + 5, 9, 2 * DEVICE_PAGE_BYTES - 5);
    synchronize(*stream);
    const std::byte* mine = both->data() + DEVICE_PAGE_BYTES;
    check("view: the same pages in two views are the same memory",
          mine[4] == std::byte{1} && mine[5] == std::byte{9} && mine[-1] == std::byte{1} &&
              mine[2 * DEVICE_PAGE_BYTES - 1] == std::byte{9});
    check("view: addresses are whole pages", reinterpret_cast<std::uintptr_t>(mine) % DEVICE_PAGE_BYTES == 0);
    auto buffer = device.buffer(1000);
    check("memory: pages and buffers are counted",
          device.memory().allocatedBytes == before.allocatedBytes + 3 * DEVICE_PAGE_BYTES + 1000);
  }
  check("memory: what goes is given back", device.memory().allocatedBytes == before.allocatedBytes);
  check("memory: the peak stays", device.memory().peakAllocatedBytes >= before.allocatedBytes + 3 * DEVICE_PAGE_BYTES);
  device.resetPeak();
  check("memory: resetPeak", device.memory().peakAllocatedBytes == before.allocatedBytes);
  check("memory: more than there is, is refused", throws<RunError>([&] { device.pages(std::size_t{1} << 50); }) &&
                                                      device.memory().allocatedBytes == before.allocatedBytes);
  check("device: there is no device 64", throws<UserError>([] { Device::open(64); }));

  constexpr std::size_t BYTES = 100'003;
  std::vector<unsigned char> out(BYTES), back(BYTES);
  for (std::size_t i = 0; i < BYTES; ++i) out[i] = static_cast<unsigned char>(mix(i));
  auto up = device.stream("up"), down = device.stream("down");
  auto event = device.event(false);
  auto from = device.buffer(BYTES), to = device.buffer(BYTES);
  const auto lock = device.lock(out.data(), BYTES);
  copyToDevice(*up, from->data(), out.data(), BYTES);
  copyOnDevice(*up, to->data(), from->data(), BYTES);
  record(*up, *event);
  wait(*down, *event);
  copyToHost(*down, back.data(), to->data(), BYTES);
  synchronize(*down);
  check("copies: to the device, on it and back", out == back);
}

std::uint64_t naiveChecksum(const unsigned char* data, std::size_t bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i * 4 < bytes; ++i) {
    std::uint64_t word = 0;
    for (std::size_t b = 0; b < 4 && i * 4 + b < bytes; ++b) word |= std::uint64_t{data[i * 4 + b]} << (8 * b);
    sum += (word + 1) * (2 * i + 1);
  }
  return sum;
}

void checkChecksums(Device& device) {
  auto stream = device.stream("sums");
  std::vector<unsigned char> data(1000);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<unsigned char>(mix(i) >> 3);
  bool same = true, formula = true;
  for (std::size_t bytes : {1u, 2u, 3u, 4u, 255u, 256u, 257u, 998u, 999u, 1000u}) {
    std::vector<std::uint64_t> sums((bytes + 255) / 256);
    checksum(*stream, data.data(), bytes, 256, sums.data());
    synchronize(*stream);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      same = same && sums[i] == checksumOnHost(data.data() + i * 256, std::min<std::size_t>(256, bytes - i * 256));
    }
    formula = formula && checksumOnHost(data.data(), bytes) == naiveChecksum(data.data(), bytes);
  }
  check("checksum: chunk by chunk as checksumOnHost", same);
  check("checksum: as the formula says, short last words too", formula);
}

void checkGraphs(Device& device) {
  auto origin = device.stream("origin"), side = device.stream("side"), outside = device.stream("outside");
  auto fork = device.event(false), join = device.event(false), foreign = device.event(false);
  auto begin = device.event(true), end = device.event(true);
  auto memory = device.buffer(64);
  auto* step = reinterpret_cast<std::uint32_t*>(memory->data());
  *step = 100;
  std::uint32_t flag = 0, gate = 0;
  const StepBase base{0, step};
  std::vector<int> order;  // never written by two streams at once, by the waits and the flag below

  awaitGate(*outside, &gate, 1);
  record(*outside, *foreign);
  beginCapture(device, *origin);
  wait(*origin, *foreign);  // from outside, so dropped
  record(*origin, *begin);
  callOnHost(*origin, [&] { order.push_back(1); });
  record(*origin, *fork);
  wait(*side, *fork);
  delay(*side, 0.002);
  callOnHost(*side, [&] { order.push_back(2); });
  signal(*side, &flag, base, 1);
  await(*origin, &flag, base, 1);
  callOnHost(*origin, [&] { order.push_back(3); });
  await(*side, &flag, base, 2);
  callOnHost(*side, [&] { order.push_back(4); });
  record(*side, *join);
  signal(*origin, &flag, base, 2);
  wait(*origin, *join);
  callOnHost(*origin, [&] { order.push_back(5); });
  advance(*origin, base, 2);
  record(*origin, *end);
  const bool refused = throws<RunError>([&] { synchronize(*origin); });
  auto graph = endCapture(device, *origin);
  synchronize(*side);
  check("graph: nothing runs while it is captured", order.empty());
  check("graph: synchronize during a capture is an error", refused);

  std::vector<int> expected;
  for (int i = 0; i < 3; ++i) {
    callOnHost(*origin, [&] { order.push_back(0); });
    launch(*origin, *graph);
    callOnHost(*origin, [&] { order.push_back(6); });
    expected.insert(expected.end(), {0, 1, 2, 3, 4, 5, 6});
  }
  synchronize(*origin);
  check("graph: launches run as one node each, with flags that grow", order == expected);
  check("graph: flag and step base after three launches", flag == 106 && *step == 106);
  check("graph: captured timed events can be read", elapsedS(*begin, *end) >= 0.002);

  setGate(*side, &gate, 1);
  device.synchronize();
  order.clear();
  delay(*outside, 0.005);
  callOnHost(*outside, [&] { order.push_back(7); });
  launch(*outside, *graph);
  callOnHost(*outside, [&] { order.push_back(8); });
  synchronize(*outside);
  check("graph: launched on a stream that is no part of it", order == std::vector<int>{7, 1, 2, 3, 4, 5, 8});

  beginCapture(device, *origin);
  record(*origin, *fork);
  wait(*side, *fork);
  delay(*side, 0);
  check("graph: a stream that is not joined back is an error", throws<RunError>([&] { endCapture(device, *origin); }));
  callOnHost(*side, [&] { order.clear(); });
  synchronize(*side);
  check("graph: streams work eagerly behind a failed capture", order.empty());
}

void checkFailure() {
  auto device = Device::open(1);
  auto stream = device->stream("failing");
  callOnHost(*stream, [] { throw std::runtime_error("it broke"); });
  check("failure: what an operation throws is thrown by synchronize", throws<RunError>([&] { synchronize(*stream); }));
}

}  // namespace
}  // namespace chunkflow

int main() {
  using namespace chunkflow;
  auto device = Device::open(0);
  checkEvents(*device);
  checkTimes(*device);
  checkFlags(*device);
  checkMemory(*device);
  checkChecksums(*device);
  checkGraphs(*device);
  checkFailure();
  return failedChecks == 0 ? 0 : 1;
}
