#include "measure/describe.hpp"

#include "base/json.hpp"
#include "measure/record_lines.hpp"
#include "program/carrier_text.hpp"
#include "weights/program_tensors.hpp"

namespace chunkflow {

std::string describeJson(const Program& program) {
  JsonWriter json;
  json.beginObject().field("id", program.id).field("title", program.title).field("fingerprint", program.fingerprint);
  json.field("tool", program.tool).field("backend", backendName()).field("ranks", program.ranks);
  json.field("groupSize", program.groupSize).field("mirrored", program.mirrored).key("plans").beginArray();
  for (const PlanProgram& plan : program.plans) {
    json.beginObject().field("name", plan.name).field("transport", carrierText(plan.carrier)).key("claim");
    writeClaim(json, plan.claim);
    json.endObject();
  }
  json.endArray().field("passes", passesOf(program)).key("inputs");
  writeTensors(json, inputTensors(program));
  json.key("outputs");
  writeTensors(json, outputTensors(program));
  return json.endObject().take();
}

}  // namespace chunkflow
