internal import ArgumentParser
internal import Settings
internal import Tokenization

struct TokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize",
    abstract: "Turns texts into token ids: JSON strings in, JSON arrays out, one a line.",
    discussion: """
      A line that is no JSON string gives {"error": "sentence"}, and the next line is read.

      Example:
        echo '"Hello, world"' | meshdecode tokenize
      """)

  @Flag(
    name: .customLong("no-special-tokens"),
    help: "Leaves out what the tokenizer's post-processor adds, such as a beginning-of-text token.")
  var noSpecialTokens = false

  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Model") var model: ModelOptions

  func run() throws {
    let lines = try textLines(resolve(config, [model]))
    try LineFilter.run { lines.tokenize($0, addSpecialTokens: !noSpecialTokens) }
  }
}

struct DetokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detokenize",
    abstract: "Turns token ids into texts: JSON arrays in, JSON strings out, one a line.",
    discussion: """
      A line that is no array of token ids gives {"error": "sentence"}, and the next line is read.

      Example:
        echo '[72, 101]' | meshdecode detokenize --skip-special-tokens
      """)

  @Flag(name: .customLong("skip-special-tokens"), help: "Leaves special tokens out of the text.")
  var skipSpecialTokens = false

  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Model") var model: ModelOptions

  func run() throws {
    let lines = try textLines(resolve(config, [model]))
    try LineFilter.run { lines.detokenize($0, skipSpecialTokens: skipSpecialTokens) }
  }
}

/// The tokenizer of the model that the settings name.
private func textLines(_ settings: EngineSettings) throws -> TextLines {
  do {
    return TextLines(try Tokenizer(directory: modelDirectory(of: settings)))
  } catch let error as TokenizerError {
    throw CommandFailure(.failedWhileRunning, "\(error)")
  }
}
