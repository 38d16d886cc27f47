internal import ArgumentParser
internal import Engine
internal import Foundation
internal import Journaling
internal import Parsing
internal import Presentation
internal import RunSetup
internal import Scheduling
internal import Settings
internal import Tokenization
internal import Topology
internal import Wire
internal import Workloads

/// Where prompts come from.
struct PromptOptions: ParsableArguments {
  @Option(
    name: .customLong("prompt"), parsing: .unconditional,
    help: ArgumentHelp("The text to go on from.", valueName: "text"))
  var prompt: String?

  @Option(
    name: .customLong("prompt-token-ids"), parsing: .unconditional,
    help: ArgumentHelp("The same as token ids, separated by commas.", valueName: "ids"))
  var tokenIDs: String?

  @Option(
    name: .customLong("prompts-file"), parsing: .unconditional,
    help: ArgumentHelp(
      "Many prompts: JSON lines {\"prompt\": \"...\"} or {\"prompt_token_ids\": [...]}.", valueName: "file"))
  var file: String?

  /// All prompts, in order. `mayBeNone`: they may come from elsewhere.
  func read(_ reader: PromptReader, mayBeNone: Bool = false) throws -> [PromptInput] {
    let given = [prompt, tokenIDs, file].compactMap { $0 }.count
    if given == 0, mayBeNone { return [] }
    guard given == 1 else {
      throw SettingsError(
        "\(given == 0 ? "No prompt was given" : "More than one kind of prompt was given"); give one of --prompt,"
          + " --prompt-token-ids or --prompts-file.")
    }
    do {
      if let prompt { return [try reader.text(prompt)] }
      if let tokenIDs { return [try reader.ids(tokenIDs)] }
      return try reader.lines(try Self.bytes(of: file ?? ""), file: file ?? "")
    } catch let error as PromptError {
      throw CommandFailure(file == nil ? .wrongUsage : .failedWhileRunning, "\(error)")
    }
  }

  /// The bytes of a file that the user named.
  static func bytes(of path: String) throws -> [UInt8] {
    do {
      return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      let exists = FileManager.default.fileExists(atPath: path)
      throw CommandFailure(
        .failedWhileRunning,
        exists ? "\(path) cannot be read; give a readable file" : "\(path) does not exist; check the path")
    }
  }
}

struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Generates text on a mesh that it starts itself.",
    discussion: """
      Without --model the bundled tiny model runs. Text streams to standard output; a summary goes to standard error.

      Examples:
        meshdecode generate --prompt "It is a truth universally acknowledged" --tp 2
        meshdecode generate --model DIR --tp 3 --prompts-file prompts.jsonl --max-tokens 100 --output json
        meshdecode generate --prompt "Once" --temperature 0.8 --top-p 0.95 --sampling-seed 7 --n 3
        meshdecode generate --prompt "Once" --tp 2 --ep 2 --trace trace.json
        meshdecode generate --chat --model DIR --system-prompt "Answer in one sentence."
        meshdecode generate --prompts-file prompts.jsonl --journal run.journal --output json
        meshdecode generate --journal run.journal --resume --output json   # after a crash of the first

      With --journal accepted prompts are on the disk before anything is computed, and tokens are written before they \
      are shown. --resume computes and streams only what is missing, on any mesh of the same model and formats; the \
      JSON document and whole answers are those of a run that was never cut short.

      With --chat each line of standard input is a message and --prompt, if given, the first one; an answer ends with \
      the model's turn, --max-tokens or Ctrl-C. /help shows the commands.
      """)

  @OptionGroup(title: "Prompt") var prompts: PromptOptions
  @OptionGroup(title: "Chat") var chat: ChatOptions
  @OptionGroup(title: "Journal") var journaling: JournalOptions
  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Mesh") var mesh: MeshOptions
  @OptionGroup(title: "Scheduler") var scheduler: SchedulerOptions
  @OptionGroup(title: "Sampling") var sampling: SamplingOptions
  @OptionGroup(title: "Launch") var launch: LaunchOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Output") var trace: TraceOptions

  func run() throws {
    let settings = try resolve(config, [model, mesh, scheduler, sampling, launch, output])
    try trace.check()
    if chat.isOn { return try converse(settings) }
    if let flag = chat.strayFlag { throw SettingsError("\(flag) is for conversations; add --chat.") }
    let reader = PromptReader(tokenizer: try BundledModel.tokenizer(of: settings))
    let journal = try journaling.open()
    var inputs = try prompts.read(reader, mayBeNone: journal?.isResumed == true)
    if let journal { inputs = try journal.prompts(given: inputs) }
    let setup = try RunSetup(settings: settings, modelDirectory: try modelDirectory(of: settings))
    let parameters = try journal?.sampling() ?? setup.samplingParameters()
    var generation = GenerationRun(
      tokenizer: try BundledModel.tokenizer(of: settings), prompts: inputs, sampling: parameters,
      resuming: journal?.contents ?? JournalContents())
    if generation.isOver {
      Terminal.note("note: everything in the journal is complete; nothing is computed")
      return try report(generation.soFar, inputs, RunTiming(), setup, settings)
    }
    let running = try RunningMesh.start(settings) { try journal?.takeOver(&$0) }
    defer { running.engine.stop() }
    running.engine.journal = journal?.file
    trace.begin(running.engine)
    let streams = settings.output.format == .text && inputs.count == 1 && parameters.n == 1
    // The prompt is shown with the first piece of its answer, not before it has been accepted, nor again.
    var opening = generation.soFar[0].tokens.isEmpty ? inputs[0].text ?? "" : ""
    var (completions, timing): ([Completion], RunTiming)
    do {
      (completions, timing) = try generation.run(
        on: running.engine,
        show: { _, piece in
          guard streams else { return }
          try Terminal.write(opening + piece)
          opening = ""
        })
    } catch let error as EngineError {
      journal?.leave(after: error)
      throw error
    }
    try trace.end(running.engine)
    running.engine.stop()
    _ = journal?.file.sync()
    let late = completions.count { $0.finishReason == .abort }
    if late > 0 {
      Terminal.note("note: --request-timeout-seconds cut off \(late) of \(completions.count) answers")
    }
    timing.loadSeconds = running.loadSeconds
    if let failure = completions.compactMap(\.failure).first {
      throw CommandFailure(.failedWhileRunning, failure)
    }
    guard streams else { return try report(completions, inputs, timing, setup, settings, running) }
    try Terminal.write(opening + "\n")
    summarise(timing, running)
  }

  /// Whole answers.
  private func report(
    _ completions: [Completion], _ inputs: [PromptInput], _ timing: RunTiming, _ setup: RunSetup,
    _ settings: EngineSettings, _ running: RunningMesh? = nil
  ) throws {
    switch settings.output.format {
    case .json:
      let document = GenerationReport.json(
        model: RunningMesh.modelName(setup), mesh: setup.shape, completions: completions, timing: timing)
      try Terminal.writeDocument(document)
    case .text:
      try show(completions, inputs, completions.count / max(1, inputs.count))
      if let running { summarise(timing, running) }
    }
  }

  private func converse(_ settings: EngineSettings) throws {
    guard journaling.file == nil, !journaling.resumes else {
      throw SettingsError("--journal and --resume are for prompts; a chat cannot be gone on with.")
    }
    guard prompts.tokenIDs == nil, prompts.file == nil, settings.sampling.n == 1 else {
      throw SettingsError("--chat takes its messages from standard input and --prompt, and --n must be 1.")
    }
    let directory = try modelDirectory(of: settings)
    let templates = try ChatTemplates.load(file: chat.templateFile, directory: directory)
    do {
      _ = try templates.template(hasTools: false)
    } catch {
      throw CommandFailure(.failedWhileRunning, "\(error), or give --chat-template FILE")
    }
    let variables = try chat.variables()
    guard let tokenizer = try BundledModel.tokenizer(of: settings) else {
      throw CommandFailure(.failedWhileRunning, "\(directory) has no tokenizer.json, which a chat needs")
    }
    let running = try RunningMesh.start(settings)
    defer { running.engine.stop() }
    trace.begin(running.engine)
    let session = ChatSession(
      templates: templates, tokenizer: tokenizer, variables: variables, system: chat.systemPrompt ?? "",
      maxTokens: running.engine.sizes.maxModelLength)
    let isUnlimited = settings.sampling.maxTokens == SamplingSettings().maxTokens && sampling.maxTokens == nil
    var run = ChatRun(
      running, session: session, sampling: try running.setup.samplingParameters(), isUnlimited: isUnlimited,
      format: settings.output.format)
    try run.run(opening: prompts.prompt)
    try trace.end(running.engine)
    running.engine.stop()
    var timing = run.total
    timing.loadSeconds = running.loadSeconds
    switch settings.output.format {
    case .json: try Terminal.writeDocument(run.document(timing))
    case .text: if timing.outputTokens > 0 { summarise(timing, running) }
    }
  }

  private func show(_ completions: [Completion], _ inputs: [PromptInput], _ n: Int) throws {
    for completion in completions {
      let prompt = completion.index / n
      let title = n == 1 ? "[\(prompt)]" : "[\(prompt).\(completion.index % n)]"
      try Terminal.write("\(title) \(inputs[prompt].text ?? "")\(completion.text)\n")
    }
  }

  private func summarise(_ timing: RunTiming, _ running: RunningMesh) {
    Terminal.note(
      "\(timing.outputTokens) tokens on \(running.setup.shape), \(running.engine.sizes.threadsPerWorker) threads each: "
        + "\(Numbers.threeDigits(timing.decodeTokensPerSecond)) tokens/s, first token after "
        + "\(Numbers.duration(seconds: timing.timeToFirstTokenSeconds)), loaded in "
        + "\(Numbers.duration(seconds: timing.loadSeconds))")
  }
}
