internal import ArgumentParser
internal import Foundation
internal import Parsing
internal import Settings
internal import Tokenization

/// Flags of a conversation.
struct ChatOptions: ParsableArguments {
  @Flag(
    name: .customLong("chat"),
    help: "Holds a conversation with the model's chat template: a line of input, an answer, and so on.")
  var isOn = false

  @Option(
    name: .customLong("chat-template"), parsing: .unconditional,
    help: ArgumentHelp("A Jinja template file to use instead of the model's.", valueName: "file"))
  var templateFile: String?

  @Option(
    name: .customLong("system-prompt"), parsing: .unconditional,
    help: ArgumentHelp("Instructions that come before the conversation.", valueName: "text"))
  var systemPrompt: String?

  @Option(
    name: .customLong("chat-template-kwargs"), parsing: .unconditional,
    help: ArgumentHelp(
      "Variables for the template, for instance '{\"enable_thinking\": false}'.", valueName: "json"))
  var templateVariables: String?

  /// The template's variables.
  func variables() throws -> JSONObject {
    guard let templateVariables else { return JSONObject() }
    do throws(ParseError) {
      if let object = try JSONReader.parse(templateVariables).object { return object }
      throw ParseError(message: "it is not an object", byteOffset: 0)
    } catch {
      throw SettingsError("--chat-template-kwargs is no JSON object: \(error); quote it as one argument.")
    }
  }

  /// The first flag that says nothing without --chat.
  var strayFlag: String? {
    if isOn { return nil }
    if templateFile != nil { return "--chat-template" }
    if systemPrompt != nil { return "--system-prompt" }
    return templateVariables == nil ? nil : "--chat-template-kwargs"
  }
}

/// Chat templates of a model's directory, or of a file that takes the place of its own.
enum ChatTemplates {
  /// The file's template with the model's special tokens; without a file the model's own.
  static func load(file: String?, directory: String) throws -> ChatTemplateSet {
    do {
      guard let file else { return try ChatTemplate.load(directory: directory) }
      let template = try read(file, flag: "--chat-template")
      let tokens = try ChatTemplate.load(directory: directory).specialTokens
      return ChatTemplateSet(templates: ["default": .success(template)], specialTokens: tokens)
    } catch let error as TemplateError {
      throw CommandFailure(.failedWhileRunning, "\(error)")
    }
  }

  /// The template in a file that the user named with `flag`.
  static func read(_ file: String, flag: String) throws -> ChatTemplate {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw CommandFailure(.failedWhileRunning, "\(file) cannot be read; give \(flag) an existing file")
    }
    guard let source = String(validating: data, as: UTF8.self) else {
      throw CommandFailure(.failedWhileRunning, "\(file) is not UTF-8; save it as UTF-8 text")
    }
    do {
      return try ChatTemplate(source: source)
    } catch {
      throw CommandFailure(.failedWhileRunning, "\(file): \(error)")
    }
  }
}
