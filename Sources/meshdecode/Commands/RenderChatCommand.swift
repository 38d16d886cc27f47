internal import ArgumentParser
internal import Foundation
internal import Settings
internal import Tokenization

struct RenderChatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "render-chat",
    abstract: "Renders chat messages with a model's template: JSON lines in, JSON strings out.",
    discussion: """
      Each line of standard input is an object with "messages" and, all optional, "tools", \
      "add_generation_prompt", "continue_final_message", "variables", "kwargs" and "now" (a fixed clock). A line \
      that cannot be rendered gives {"error": "sentence"}, and the next line is read.

      Example:
        echo '{"messages": [{"role": "user", "content": "Hello"}], "add_generation_prompt": true}' | \
      meshdecode render-chat
      """)

  @Option(
    name: .customLong("template"), parsing: .unconditional,
    help: ArgumentHelp("A Jinja template file to use instead of the model's.", valueName: "file"))
  var templateFile: String?

  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Model") var model: ModelOptions

  func run() throws {
    let settings = try resolve(config, [model])
    let renderer = try renderer(settings)
    let now = Date()
    let clock = TemplateTime(
      secondsSince1970: Int(now.timeIntervalSince1970),
      utcOffsetSeconds: TimeZone.current.secondsFromGMT(for: now))
    try LineFilter.run { renderer.respond(to: $0, now: clock) }
  }

  private func renderer(_ settings: EngineSettings) throws -> Tokenization.RenderChatCommand {
    do {
      guard let templateFile else {
        return .init(try ChatTemplate.load(directory: modelDirectory(of: settings)))
      }
      guard settings.model.directory.isEmpty else {
        throw SettingsError("--template and --model exclude each other; give the one that is meant.")
      }
      return .init(try ChatTemplates.read(templateFile, flag: "--template"))
    } catch let error as TemplateError {
      throw CommandFailure(.failedWhileRunning, "\(error)")
    }
  }
}
