#include "plan/tracer.hpp"

#include "base/error.hpp"

namespace chunkflow {

Tracer::Tracer(Device& device, std::size_t intervals) : start_(device.event(true)), end_(device.event(true)) {
  pairs_.reserve(intervals);
  for (std::size_t i = 0; i < intervals; ++i) pairs_.push_back({device.event(true), device.event(true), 0, 0, 0});
}

void Tracer::open(Stream& stream, int position, int statement, int part) {
  if (used_ == pairs_.size()) throw RunError("a traced step has more statements than it had when they were counted");
  Pair& pair = pairs_[used_];
  pair.position = position;
  pair.statement = statement;
  pair.part = part;
  record(stream, *pair.from);
}

void Tracer::close(Stream& stream) { record(stream, *pairs_[used_++].to); }

Intervals Tracer::intervals() const {
  Intervals all;
  all.stepS = stepS();
  for (std::size_t i = 0; i < used_; ++i) {
    all.position.push_back(pairs_[i].position);
    all.statement.push_back(pairs_[i].statement);
    all.part.push_back(pairs_[i].part);
    all.startS.push_back(elapsedS(*start_, *pairs_[i].from));
    all.endS.push_back(elapsedS(*start_, *pairs_[i].to));
  }
  return all;
}

}  // namespace chunkflow
