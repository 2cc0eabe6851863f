#pragma once
#include <string>

#include "program/program.hpp"

namespace chunkflow {

/// What a generated program is, as one line of JSON; needs no device.
std::string describeJson(const Program& program);

}  // namespace chunkflow
