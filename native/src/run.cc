#include "run.hh"

#include <cstring>
#include <exception>
#include <utility>

namespace chunkflow::addon {

struct Run::Message {
  enum class Kind { Line, Note, Done } kind;
  std::string text;  // Done: why the run could not be carried out, or ""
  int exitCode = 0;
};

Napi::Promise Run::start(Napi::Env env, std::shared_ptr<Library> library, std::shared_ptr<std::atomic<bool>> running,
                         std::vector<std::string> arguments, const Functions& functions) {
  if (running->exchange(true)) throw Napi::Error::New(env, "this program is running already; wait for its promise");
  // Owned by its channel from here on, which deletes it in `end`.
  Run* run = new Run(env, std::move(library), std::move(running), std::move(arguments), functions);
  const Napi::Promise promise = run->promise_.Promise();
  run->channel_ = Channel::New(env, "chunkflow run", 0, 1, run, &Run::end, static_cast<void*>(nullptr));
  run->thread_ = std::thread([run] { run->work(); });
  return promise;
}

Run::Run(Napi::Env env, std::shared_ptr<Library> library, std::shared_ptr<std::atomic<bool>> running,
         std::vector<std::string> arguments, const Functions& functions)
    : library_(std::move(library)),
      running_(std::move(running)),
      arguments_(std::move(arguments)),
      promise_(Napi::Promise::Deferred::New(env)),
      collects_(functions.line.IsEmpty()) {
  if (!functions.line.IsEmpty()) line_ = Napi::Persistent(functions.line);
  if (!functions.note.IsEmpty()) note_ = Napi::Persistent(functions.note);
}

void Run::work() {
  const Sink sink{
      .user = this,
      .line = [](void* user, const char* json) { return static_cast<Run*>(user)->keepLine(json); },
      .note = [](void* user, const char* text) { static_cast<Run*>(user)->send({Message::Kind::Note, text}); },
  };
  Message done{Message::Kind::Done, ""};
  try {
    done.exitCode = library_->run(arguments_, sink);
  } catch (const std::exception& error) {
    done.text = error.what();
  } catch (...) {
    done.text = "the runtime threw something that is no exception";
  }
  const Channel channel = channel_;
  send(std::move(done));
  if (!closed_) channel.Release();
}

int Run::keepLine(const char* json) {
  if (refused_) return 1;
  if (!collects_) {
    send({Message::Kind::Line, json});
    return 0;
  }
  // An exception must not pass through the runtime's own frames; a timeline that cannot be read stays a line.
  try {
    if (std::optional<Timeline> timeline = parseTimeline(json)) {
      timelines_.push_back(std::move(*timeline));
      return 0;
    }
  } catch (const std::exception& error) {
    send({Message::Kind::Note, error.what()});
  }
  lines_.emplace_back(json);
  return 0;
}

void Run::send(Message message) {
  if (closed_) return;
  auto* sent = new Message(std::move(message));
  if (channel_.NonBlockingCall(sent) != napi_ok) delete sent;
}

void Run::deliver(Napi::Env env, Napi::Function, Run* run, Message* message) {
  const std::unique_ptr<Message> owned(message);
  // Without an environment Node is going down and nobody listens.
  if (env == nullptr) return;
  if (message->kind == Message::Kind::Done) return run->finish(env, *message);
  const Napi::FunctionReference& function = message->kind == Message::Kind::Line ? run->line_ : run->note_;
  if (function.IsEmpty() || run->refused_) return;
  try {
    function.Call({Napi::String::New(env, message->text)});
  } catch (const Napi::Error& error) {
    run->thrown_ = Napi::Reference<Napi::Value>::New(error.Value(), 1);
    run->refused_ = true;
  }
}

void Run::finish(Napi::Env env, const Message& message) {
  finished_ = true;
  *running_ = false;
  if (!thrown_.IsEmpty()) {
    promise_.Reject(thrown_.Value());
  } else if (!message.text.empty()) {
    promise_.Reject(Napi::Error::New(env, message.text).Value());
  } else {
    promise_.Resolve(result(env, message.exitCode));
  }
}

namespace {

template <class Array, class Number>
Array typedArray(Napi::Env env, const std::vector<Number>& column) {
  Array array = Array::New(env, column.size());
  if (!column.empty()) std::memcpy(array.Data(), column.data(), column.size() * sizeof(Number));
  return array;
}

Napi::Object timelineObject(Napi::Env env, const Timeline& timeline) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("plan", timeline.plan);
  object.Set("rank", timeline.rank);
  object.Set("stepS", timeline.stepS);
  object.Set("position", typedArray<Napi::Int32Array>(env, timeline.position));
  object.Set("statement", typedArray<Napi::Int32Array>(env, timeline.statement));
  object.Set("part", typedArray<Napi::Int32Array>(env, timeline.part));
  object.Set("startS", typedArray<Napi::Float64Array>(env, timeline.startS));
  object.Set("endS", typedArray<Napi::Float64Array>(env, timeline.endS));
  return object;
}

}  // namespace

Napi::Object Run::result(Napi::Env env, int exitCode) const {
  Napi::Object object = Napi::Object::New(env);
  object.Set("exitCode", exitCode);
  if (!collects_) return object;
  Napi::Array lines = Napi::Array::New(env, lines_.size());
  for (std::uint32_t i = 0; i < lines_.size(); ++i) lines.Set(i, lines_[i]);
  Napi::Array timelines = Napi::Array::New(env, timelines_.size());
  for (std::uint32_t i = 0; i < timelines_.size(); ++i) timelines.Set(i, timelineObject(env, timelines_[i]));
  object.Set("lines", lines);
  object.Set("timelines", timelines);
  return object;
}

void Run::end(Napi::Env, void*, Run* run) {
  if (run->finished_) {
    run->thread_.join();
    delete run;
    return;
  }
  // Node goes down in the middle of a run. The run ends with its next line, or with the process; it still owns its state.
  run->refused_ = true;
  run->closed_ = true;
  run->thread_.detach();
}

}  // namespace chunkflow::addon
