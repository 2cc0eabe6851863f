// Capture on the host: the enqueuing calls are kept, and made again at each launch.
#include "device/host/hardware.hpp"

namespace chunkflow {

Graph::Graph(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Graph::~Graph() = default;

void beginCapture(Device& device, Stream& origin) {
  HostHardware& hardware = *device.impl().hardware;
  hardware.check();
  if (hardware.capture != nullptr) {
    throw RunError("capture on stream " + origin.impl().name + ": another is going on; end it first");
  }
  hardware.capture.reset(new HostCapture{++hardware.captures, {}, {}});
  origin.impl().join(*hardware.capture);
}

std::unique_ptr<Graph> endCapture(Device& device, Stream& origin) {
  const std::shared_ptr<HostHardware>& hardware = device.impl().hardware;
  if (hardware->capture == nullptr || hardware->capture->members.front().stream != &origin.impl()) {
    throw RunError("end of capture on stream " + origin.impl().name + ": none was begun; begin it there");
  }
  const std::unique_ptr<HostCapture> capture = std::move(hardware->capture);
  auto graph = std::make_unique<Graph::Impl>();
  graph->hardware = hardware;
  graph->calls = std::move(capture->calls);
  for (const HostCapture::Member& member : capture->members) {
    member.stream->capture = nullptr;
    graph->streams.push_back(member.stream);
  }
  std::vector<std::size_t>& joined = capture->members.front().seen;
  joined.resize(capture->members.size());
  for (std::size_t i = 0; i < joined.size(); ++i) {
    if (joined[i] == capture->members[i].work) continue;
    throw RunError("capture on stream " + origin.impl().name + ": stream " + capture->members[i].stream->name +
                   " was not joined back; record an event behind its last work and wait for it");
  }
  return std::make_unique<Graph>(std::move(graph));
}

void launch(Stream& stream, Graph& graph) {
  Stream::Impl& on = stream.impl();
  const Graph::Impl& of = graph.impl();
  on.hardware->check();
  on.mustNotBeCaptured("launch on");
  const std::shared_ptr<HostPoint> start = on.point();
  for (Stream::Impl* member : of.streams) {
    if (member != &on) member->waitFor(start);
  }
  for (const std::function<void()>& call : of.calls) call();
  for (Stream::Impl* member : of.streams) {
    if (member != &on) on.waitFor(member->point());
  }
}

}  // namespace chunkflow
