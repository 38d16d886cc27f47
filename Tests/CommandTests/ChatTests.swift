import Foundation
import Parsing
import TestSupport
import Testing

/// `generate --chat` with the bundled model, through pipes and in a terminal.
@Suite(.serialized) struct ChatTests {
  private static let flags = ["generate", "--chat", "--max-tokens", "12"]

  private static func conversation(
    _ input: String, _ flags: [String] = []
  ) async throws -> (document: JSONValue, messages: [String]) {
    let outcome = try await ProcessHarness.run(Self.flags + ["--output", "json"] + flags, input: input)
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let document = try JSONReader.parse(outcome.standardOutput)
    let messages = document["messages"]?.array?.map {
      ($0["role"]?.string ?? "?") + ": " + ($0["content"]?.string ?? "?")
    }
    return (document, messages ?? [])
  }

  @Test func everyAnswerSeesTheWholeConversation() async throws {
    let (document, messages) = try await Self.conversation(
      "Define \"love\".\nDefine \"war\".\n", ["--system-prompt", "Be brief."])
    let outputs = try #require(document["outputs"]?.array)
    #expect(outputs.count == 2 && messages.count == 5)
    #expect(messages.first == "system: Be brief.")
    #expect(messages.map { $0.prefix { $0 != ":" } } == ["system", "user", "assistant", "user", "assistant"])

    // The second prompt is the template over everything so far.
    let request: JSONValue = [
      "messages": .array(Array(document["messages"]?.array?.dropLast() ?? [])), "add_generation_prompt": true,
    ]
    let rendered = try await ProcessHarness.run(
      ["render-chat"], input: JSONWriter.string(request) + "\n")
    let ids = try await ProcessHarness.run(
      ["tokenize", "--no-special-tokens"], input: rendered.standardOutput)
    #expect(try JSONReader.parse(ids.standardOutput) == outputs[1]["prompt_token_ids"])
  }

  @Test func textIsOneAnswerALineAndTheSameOnEveryMesh() async throws {
    let input = "Define \"love\".\nDefine \"war\".\n/quit\nnever read\n"
    let single = try await ProcessHarness.run(Self.flags, input: input)
    let mesh = try await ProcessHarness.run(Self.flags + ["--tp", "2"], input: input)
    #expect(single.exitCode == 0, "\(single.standardError)")
    #expect(single.standardOutput == mesh.standardOutput)
    #expect(single.standardError.contains("tokens/s"))
    let (document, _) = try await Self.conversation(input)
    let texts = document["outputs"]?.array?.compactMap { $0["text"]?.string } ?? []
    #expect(single.standardOutput == texts.map { $0 + "\n" }.joined())
  }

  @Test func commandsChangeTheConversation() async throws {
    let first = try await Self.conversation("Define \"war\".\n").messages
    let reset = try await Self.conversation("Define \"love\".\n/reset\nDefine \"war\".\n").messages
    #expect(reset == first)
    let undone = try await Self.conversation("Define \"love\".\n/undo\nDefine \"war\".\n").messages
    #expect(undone == first)
    let again = try await Self.conversation("Define \"war\".\n/retry\n")
    #expect(again.messages == first)
    #expect(again.document["outputs"]?.array?.count == 2)
    let told = try await Self.conversation("/system Be brief.\n\"\"\"Define\n\"war\".\n\"\"\"\n//slash\n")
      .messages
    #expect(told.first == "system: Be brief.")
    #expect(told.contains("user: Define\n\"war\".\n") || told.contains("user: Define\n\"war\"."))
    #expect(told.contains("user: /slash"))
  }

  @Test func thePromptFlagIsTheFirstMessage() async throws {
    let (_, messages) = try await Self.conversation("Define \"war\".\n", ["--prompt", "Define \"love\"."])
    #expect(messages.count == 4)
    #expect(messages.first == "user: Define \"love\".")
  }

  @Test func aLongConversationForgetsItsBeginning() async throws {
    let input = (0..<8).map { "Define \"word number \($0)\".\n" }.joined()
    let outcome = try await ProcessHarness.run(Self.flags + ["--max-model-len", "128"], input: input)
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    #expect(outcome.standardError.contains("no longer fit and are forgotten"))
    let tooLong = try await ProcessHarness.run(
      Self.flags + ["--max-model-len", "32"], input: String(repeating: "word ", count: 100) + "\n")
    #expect(tooLong.exitCode == 1)
    #expect(tooLong.standardError.split(separator: "\n").last?.contains("takes at most 32") == true)
  }

  @Test func aTemplateFileTakesThePlaceOfTheModels() async throws {
    try await withTemporaryDirectory { directory in
      let file = directory.appendingPathComponent("t.jinja")
      let template = "{% for m in messages %}{{ m.content }}{{ mark }}{% endfor %}"
      try Data(template.utf8).write(to: file)
      let (document, _) = try await Self.conversation(
        "Once\n", ["--chat-template", file.path, "--chat-template-kwargs", "{\"mark\": \" upon\"}"])
      let ids = try await ProcessHarness.run(["tokenize", "--no-special-tokens"], input: "\"Once upon\"\n")
      #expect(
        try JSONReader.parse(ids.standardOutput) == document["outputs"]?.array?.first?["prompt_token_ids"])
    }
  }

  @Test(arguments: [
    "--prompts-file x", "--n 2", "--chat-template /no/such/file", "--chat-template-kwargs [1]",
  ])
  func whatCannotBeIsRefusedBeforeAnythingStarts(text: String) async throws {
    let flags = text.split(separator: " ").map(String.init)
    let code: Int32 = text.contains("/no/such/file") ? 1 : 2
    let outcome = try await ProcessHarness.run(Self.flags + flags, input: "Hi\n")
    #expect(outcome.exitCode == code)
    #expect(outcome.standardOutput == "")
    #expect(outcome.standardError.hasPrefix("error: "))
    #expect(outcome.standardError.split(separator: "\n").count == 1)
  }

  @Test func aModelWithoutATemplateIsRefused() async throws {
    let models = Fixtures.packageRoot.appendingPathComponent("Tests/GoldenTests/Fixtures/models")
    try await withTemporaryDirectory { directory in
      for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        try FileManager.default.copyItem(
          at: models.appendingPathComponent("qwen3/\(name)"), to: directory.appendingPathComponent(name))
      }
      let outcome = try await ProcessHarness.run(
        ["generate", "--chat", "--model", directory.path], input: "Hi\n")
      #expect(outcome.exitCode == 1)
      #expect(
        outcome.standardError
          == "error: the model has no chat template; give one as chat_template.jinja, or give --chat-template FILE\n"
      )
    }
    let stray = try await ProcessHarness.run(["generate", "--prompt", "a", "--system-prompt", "b"])
    #expect(stray.exitCode == 2)
    #expect(stray.standardError.contains("--system-prompt"))
  }
}

/// The same in a terminal, which `script` of util-linux provides.
@Suite(.serialized, .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script")))
struct ChatTerminalTests {
  /// What has to be on the screen before something is typed.
  private enum Cue: Sendable {
    /// So many prompts.
    case prompts(Int)
    /// Something after this text.
    case textAfter(String)

    func isMet(_ screen: String) -> Bool {
      switch self {
      case .prompts(let count): screen.components(separatedBy: ">>> ").count == count + 1
      case .textAfter(let text):
        screen.components(separatedBy: text).last.map { $0 != screen && $0 != "" } ?? false
      }
    }
  }

  /// Runs a chat in a terminal in which somebody types on cue.
  private static func talk(_ flags: String, _ steps: [(cue: Cue, keys: String)]) async throws
    -> ProcessOutcome
  {
    try await withTemporaryDirectory { base in
      let runs = base.appendingPathComponent("runs")
      try FileManager.default.createDirectory(at: runs, withIntermediateDirectories: false)
      let pipe = base.appendingPathComponent("keys").path
      try Process.run(URL(fileURLWithPath: "/usr/bin/mkfifo"), arguments: [pipe]).waitUntilExit()
      let chat =
        "exec '\(ProcessHarness.executable.path)' generate --chat --pulse-milliseconds 10000 --run-directory '\(runs.path)' \(flags)"
      let outcome = try await ProcessHarness.withProcess(
        ["-c", "exec script -qec \"\(chat)\" /dev/null < '\(pipe)'"],
        executable: URL(fileURLWithPath: "/bin/sh")
      ) { running in
        // Open for reading too, so that opening does not wait for a reader that may never come.
        let keys = try #require(FileHandle(forUpdatingAtPath: pipe))
        for step in steps {
          try await running.wait { step.cue.isMet($0.standardOutput) }
          try keys.write(contentsOf: Data(step.keys.utf8))
        }
        try await running.wait { _ in false }
      }
      let left = try await Leaks.remaining(in: runs)
      #expect(left == [])
      return outcome
    }
  }

  @Test func oneInterruptEndsTheAnswerAnotherLeaves() async throws {
    // The reference kernels are slow enough for the interrupt to find the answer still going on.
    let outcome = try await Self.talk(
      "--ignore-eos --max-tokens 500 --instruction-set reference",
      [
        (.prompts(1), "Define war.\n"), (.textAfter("Define war.\r\n"), "\u{3}"), (.prompts(2), "/history\n"),
        (.prompts(3), "\u{3}"),
      ])
    #expect(outcome.exitCode == 130, "\(outcome.standardOutput)")
    #expect(outcome.standardOutput.contains("user: Define war.\r\nassistant: "), "\(outcome.standardOutput)")
    #expect(outcome.standardOutput.hasSuffix("interrupted\r\n"), "\(outcome.standardOutput)")
  }

  @Test(arguments: ["/quit\n", "\u{4}"])
  func leavingIsQuiet(keys: String) async throws {
    let outcome = try await Self.talk("--max-tokens 4", [(.prompts(1), "Hi\n"), (.prompts(2), keys)])
    #expect(outcome.exitCode == 0, "\(outcome.standardOutput)")
    #expect(outcome.standardOutput.contains("tokens/s"))
  }
}
