// load(path) gives a handle on a generated program: describe(), run(arguments, onLine, onNote), runCollect(arguments, onNote).
#include <napi.h>

#include <atomic>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "library.hh"
#include "run.hh"

namespace chunkflow::addon {

namespace {

std::vector<std::string> argumentsFrom(const Napi::Value& value) {
  const Napi::Env env = value.Env();
  if (!value.IsArray()) throw Napi::TypeError::New(env, "arguments: expected an array of strings");
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> arguments;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value item = array.Get(i);
    if (!item.IsString()) throw Napi::TypeError::New(env, "arguments: expected an array of strings");
    arguments.push_back(item.As<Napi::String>());
  }
  return arguments;
}

/// Empty where it was left out.
Napi::Function functionFrom(const Napi::Value& value, const char* name) {
  if (value.IsUndefined()) return {};
  if (!value.IsFunction()) throw Napi::TypeError::New(value.Env(), std::string(name) + ": expected a function");
  return value.As<Napi::Function>();
}

Napi::Object load(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString()) throw Napi::TypeError::New(env, "path: expected a string");
  std::shared_ptr<Library> library;
  try {
    library = std::make_shared<Library>(info[0].As<Napi::String>().Utf8Value());
  } catch (const std::exception& error) {
    throw Napi::Error::New(env, error.what());
  }
  // A runtime has one set of devices and threads: its runs take turns.
  const auto running = std::make_shared<std::atomic<bool>>(false);

  Napi::Object handle = Napi::Object::New(env);
  handle.Set("describe", Napi::Function::New(env, [library](const Napi::CallbackInfo& call) {
               return Napi::String::New(call.Env(), library->describe());
             }));
  handle.Set("run", Napi::Function::New(env, [library, running](const Napi::CallbackInfo& call) -> Napi::Value {
               const Run::Functions functions{functionFrom(call[1], "onLine"), functionFrom(call[2], "onNote")};
               if (functions.line.IsEmpty()) throw Napi::TypeError::New(call.Env(), "onLine: expected a function");
               return Run::start(call.Env(), library, running, argumentsFrom(call[0]), functions);
             }));
  handle.Set("runCollect", Napi::Function::New(env, [library, running](const Napi::CallbackInfo& call) -> Napi::Value {
               const Run::Functions functions{{}, functionFrom(call[1], "onNote")};
               return Run::start(call.Env(), library, running, argumentsFrom(call[0]), functions);
             }));
  return handle;
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  exports.Set("load", Napi::Function::New(env, load));
  return exports;
}

}  // namespace

}  // namespace chunkflow::addon

static Napi::Object initialiseAddon(Napi::Env env, Napi::Object exports) {
  return chunkflow::addon::initialise(env, exports);
}

NODE_API_MODULE(chunkflow_addon, initialiseAddon)
