internal import Engine
internal import Foundation
internal import Launching
internal import Parsing
internal import Presentation
internal import RunSetup
internal import Settings
internal import Wire
internal import Workloads

/// A conversation in the terminal or through a pipe, from the first question to the end of the input.
///
/// In a terminal Ctrl-C ends the answer that streams; at the prompt, as everywhere else, it ends the command.
struct ChatRun {
  private let running: RunningMesh
  private var session: ChatSession
  private let sampling: SamplingParameters
  /// Answers may be as long as the model allows; otherwise as long as `sampling` says.
  private let isUnlimited: Bool
  private let format: OutputFormat
  private var input = ChatInput()
  private var blocks = ChatBlocks()
  private var turns: [Completion] = []
  private(set) var total = RunTiming()

  init(
    _ running: RunningMesh, session: ChatSession, sampling: SamplingParameters, isUnlimited: Bool,
    format: OutputFormat
  ) {
    self.running = running
    self.session = session
    var sampling = sampling
    if let end = session.endOfTurn, !sampling.ignoreEOS { sampling.stopTokenIDs.append(end) }
    self.sampling = sampling
    self.isUnlimited = isUnlimited
    self.format = format
  }

  /// Talks until the input ends or somebody leaves; `opening` is asked first.
  mutating func run(opening: String?) throws {
    if input.isInteractive {
      Terminal.note("Chat with \(running.modelName); /help shows the commands, Ctrl-D leaves.")
    }
    if let opening, !(try perform(.message(opening))) { return }
    while let line = try nextLine() {
      if !(try perform(line)) { return }
    }
    if input.isInteractive { try say("\n") }
  }

  /// The whole conversation as `--output json` prints it.
  func document(_ timing: RunTiming) -> JSONValue {
    let report = GenerationReport.json(
      model: running.modelName, mesh: running.setup.shape, completions: turns, timing: timing)
    let messages = (key: "messages", value: session.transcript)
    return .object(JSONObject([messages] + (report.object?.members ?? [])))
  }

  private mutating func nextLine() throws -> ChatLine? {
    while true {
      if input.isInteractive { try say(blocks.isOpen ? "... " : ">>> ") }
      let engine = running.engine
      guard let line = try input.next(wait: { try engine.run(untilReadable: $0) }) else {
        return blocks.finish()
      }
      if let done = blocks.append(line) { return done }
    }
  }

  /// Does what a line says; false to leave.
  private mutating func perform(_ line: ChatLine) throws -> Bool {
    switch line {
    case .nothing: break
    case .message(let text): try answer(text)
    case .help: Terminal.note(ChatLine.commands)
    case .reset:
      session.reset()
      Terminal.note("The conversation is forgotten.")
    case .retry:
      if let question = session.undo() {
        try answer(question)
      } else {
        Terminal.note("Nothing was asked yet.")
      }
    case .undo:
      let question = session.undo()
      Terminal.note(question.map { "Taken back: \($0)" } ?? "Nothing was asked yet.")
    case .history: showHistory()
    case .system(let text):
      if !text.isEmpty { session.system = text }
      Terminal.note(
        session.system.isEmpty ? "There is no system prompt." : "System prompt: \(session.system)")
    case .quit: return false
    case .unknown(let name):
      Terminal.note("There is no command \(name); /help shows them, and // begins a message with a slash.")
    }
    return true
  }

  private func showHistory() {
    for message in session.transcript.array ?? [] {
      Terminal.note("\(message["role"]?.string ?? ""): \(message["content"]?.string ?? "")")
    }
  }

  private mutating func answer(_ question: String) throws {
    let prompt: ChatSession.Prompt
    do {
      prompt = try session.ask(question, now: Date())
    } catch {
      // A person can ask something else; a script must not go on as if it had been answered.
      guard input.isInteractive else { throw CommandFailure(.failedWhileRunning, "\(error)") }
      return Terminal.note("error: \(error)")
    }
    if prompt.numForgotten > 0 {
      Terminal.note("note: the oldest \(prompt.numForgotten) messages no longer fit and are forgotten")
    }
    var parameters = sampling
    if isUnlimited { parameters.maxTokens = running.engine.sizes.maxModelLength - prompt.tokens.count }
    var generation = GenerationRun(
      tokenizer: running.tokenizer, prompts: [PromptInput(tokens: prompt.tokens)], sampling: parameters)
    let mayStop = input.isInteractive
    let shows = format == .text
    let (completions, timing) = try generation.run(
      on: running.engine, takeInterrupt: { mayStop && TerminationSignals.takeInterrupt() },
      show: { _, piece in if shows { try Terminal.write(piece) } })
    try say("\n")
    guard var turn = completions.first else { return }
    if let failure = turn.failure { throw CommandFailure(.failedWhileRunning, failure) }
    turn.index = turns.count
    session.keep(answer: turn.text)
    turns.append(turn)
    total.add(timing)
  }

  private func say(_ text: String) throws { if format == .text { try Terminal.write(text) } }
}
