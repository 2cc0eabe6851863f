#pragma once
// One run of a generated program beside the event loop: it works on a thread of its own, and what it reports arrives on
// JavaScript's thread in order.
#include <napi.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "library.hh"
#include "timeline.hh"

namespace chunkflow::addon {

class Run {
 public:
  struct Functions {
    Napi::Function line;  // empty: lines are collected
    Napi::Function note;  // may be empty
  };
  /// @param library whose `running` flag is set until the run is over.
  /// The promise gives {exitCode}, with {lines, timelines} too where lines are collected. It is rejected when a callback throws.
  static Napi::Promise start(Napi::Env env, std::shared_ptr<Library> library, std::shared_ptr<std::atomic<bool>> running,
                             std::vector<std::string> arguments, const Functions& functions);

 private:
  struct Message;
  static void deliver(Napi::Env env, Napi::Function, Run* run, Message* message);
  using Channel = Napi::TypedThreadSafeFunction<Run, Message, deliver>;

  Run(Napi::Env env, std::shared_ptr<Library> library, std::shared_ptr<std::atomic<bool>> running,
      std::vector<std::string> arguments, const Functions& functions);
  void work();
  int keepLine(const char* json);
  void send(Message message);
  void finish(Napi::Env env, const Message& message);
  Napi::Object result(Napi::Env env, int exitCode) const;
  static void end(Napi::Env env, void* data, Run* run);

  std::shared_ptr<Library> library_;
  std::shared_ptr<std::atomic<bool>> running_;
  std::vector<std::string> arguments_;
  Napi::Promise::Deferred promise_;
  Napi::FunctionReference line_, note_;
  const bool collects_;
  Channel channel_;
  std::thread thread_;
  /// Only the run's thread touches these until its last message.
  std::vector<std::string> lines_;
  std::vector<Timeline> timelines_;
  /// Only JavaScript's thread touches these.
  Napi::Reference<Napi::Value> thrown_;
  bool finished_ = false;
  /// A callback has thrown, or the environment is going: the run is asked to end.
  std::atomic<bool> refused_ = false;
  std::atomic<bool> closed_ = false;
};

}  // namespace chunkflow::addon
