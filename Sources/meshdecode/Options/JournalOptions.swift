internal import ArgumentParser
internal import Engine
internal import Journaling
internal import Presentation
internal import RunSetup
internal import Scheduling
internal import Settings
internal import Tokenization
internal import Wire
internal import Workloads

/// A run that can be gone on with after the death of its process.
struct JournalOptions: ParsableArguments {
  @Option(
    name: .customLong("journal"), parsing: .unconditional,
    help: ArgumentHelp(
      "Writes requests and tokens down, so that --resume can go on after a crash of this process.",
      valueName: "file"))
  var file: String?

  @Flag(
    name: .customLong("resume"),
    help: "Goes on with what the journal holds; the prompts come from there, any mesh will do.")
  var resumes = false

  /// Opens the journal and checks it against what was asked for.
  func open() throws -> OpenJournal? {
    guard let file else {
      guard !resumes else { throw SettingsError("--resume needs --journal FILE, the journal to go on with.") }
      return nil
    }
    do {
      let (journal, contents) = try JournalFile.open(file)
      if !resumes, !contents.requests.isEmpty {
        throw SettingsError(
          "--journal \(file) holds \(contents.requests.count) requests, \(contents.numUnfinished) of them unfinished;"
            + " add --resume to go on with them, or give another file.")
      }
      journal.notice = { Terminal.note("warning: \($0)") }
      return OpenJournal(file: journal, contents: contents, isResumed: resumes)
    } catch let error as JournalError {
      throw CommandFailure(.failedWhileRunning, "\(error)")
    }
  }
}

/// A journal that is this process's own now.
struct OpenJournal {
  let file: JournalFile
  let contents: JournalContents
  let isResumed: Bool

  /// Says how to go on after the run was ended early.
  func leave(after error: EngineError) {
    let isSafe = file.sync()
    guard case .interrupted = error.kind, isSafe else { return }
    Terminal.note("note: stopped at a token; go on with: meshdecode generate --journal \(file.path) --resume")
  }

  /// The prompts to run: those of the journal, and what was given beyond them.
  func prompts(given: [PromptInput]) throws -> [PromptInput] {
    let known = contents.requests.map { PromptInput(text: $0.request.text, tokens: $0.request.promptTokens) }
    guard contents.requests.enumerated().allSatisfy({ $0.element.request.id.rawValue == UInt64($0.offset) })
    else {
      throw CommandFailure(
        .failedWhileRunning,
        "the requests in the journal \(file.path) are not numbered from 0; it is of another command")
    }
    guard !given.isEmpty else {
      guard known.isEmpty else { return known }
      throw SettingsError(
        "The journal \(file.path) holds no request: its run ended before any was accepted; give the prompts again."
      )
    }
    for (index, (mine, theirs)) in zip(known, given).enumerated() where mine.tokens != theirs.tokens {
      throw SettingsError(
        "Prompt \(index) is not the one in the journal \(file.path); leave prompts out with --resume, or give the same."
      )
    }
    return known + given.dropFirst(known.count)
  }

  /// How all requests of the journal are sampled; nil when it has none.
  func sampling() throws -> SamplingParameters? {
    let first = contents.requests.first?.request.sampling
    guard contents.requests.allSatisfy({ $0.request.sampling == first }) else {
      throw CommandFailure(
        .failedWhileRunning,
        "the requests in the journal \(file.path) are sampled in different ways; it is of another command")
    }
    return first
  }

  /// Makes `configuration` the one that goes on with the journal, and says so in it.
  func takeOver(_ configuration: inout EngineConfiguration) throws {
    let identity = try configuration.tokenIdentity()
    if let opening = contents.opening {
      guard opening.identity == identity else {
        throw SettingsError(
          "The journal \(file.path) is of a run with \(opening.identity); this one has \(identity)."
            + " Give the same model and formats; the mesh may differ.")
      }
      configuration.seed = opening.seed
    }
    configuration.firstEpoch = contents.nextFirstEpoch
    do {
      try file.begin(JournalOpening(identity: identity, seed: configuration.seed))
    } catch {
      throw CommandFailure(.failedWhileRunning, "\(error)")
    }
    if contents.tornBytes > 0 {
      Terminal.note("note: \(contents.tornBytes) bytes of an unfinished write were cut off the journal")
    }
    if isResumed {
      Terminal.note(
        "note: \(contents.requests.count) requests with \(contents.numTokens) tokens are known, "
          + "\(contents.numUnfinished) go on")
    }
  }
}
