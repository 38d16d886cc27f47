internal import Parsing
package import Tokenization
internal import Wire

/// Why a prompt cannot be used: one sentence with the place.
package struct PromptError: Error, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// Turns what users give as prompts into tokens.
package struct PromptReader {
  /// Longest line of a prompts file, and most lines.
  package static let maxLineBytes = 16 << 20
  package static let maxPrompts = 1_000_000

  private let tokenizer: Tokenizer?

  /// - Parameter tokenizer: nil when the model directory has none; then only token ids can be given.
  package init(tokenizer: Tokenizer?) { self.tokenizer = tokenizer }

  /// A text, with the special tokens that the tokenizer adds by itself.
  package func text(_ text: String) throws(PromptError) -> PromptInput {
    guard let tokenizer else {
      throw PromptError("the model directory has no tokenizer.json; give --prompt-token-ids instead of text")
    }
    do throws(TokenizerError) {
      let ids = try tokenizer.encode(text, addSpecialTokens: true)
      return PromptInput(text: text, tokens: ids.map { TokenID(rawValue: $0) })
    } catch {
      throw PromptError("\(error)")
    }
  }

  /// Ids separated by commas, brackets allowed.
  package func ids(_ list: String) throws(PromptError) -> PromptInput {
    var tokens: [TokenID] = []
    for part in list.split(whereSeparator: { ", []".contains($0) }) {
      guard let id = Int32(part), id >= 0 else {
        throw PromptError("--prompt-token-ids has '\(part)'; give ids from 0 up, separated by commas")
      }
      tokens.append(TokenID(rawValue: id))
    }
    return PromptInput(tokens: tokens)
  }

  /// JSON lines `{"prompt": "..."}` or `{"prompt_token_ids": [...]}`; empty lines are skipped.
  package func lines(_ bytes: [UInt8], file: String) throws(PromptError) -> [PromptInput] {
    var prompts: [PromptInput] = []
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .enumerated()
    {
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
      guard line.count <= Self.maxLineBytes, prompts.count < Self.maxPrompts else {
        throw PromptError(
          "\(file), line \(index + 1): a line may have \(Self.maxLineBytes) bytes and a file \(Self.maxPrompts) prompts"
        )
      }
      do throws(PromptError) {
        prompts.append(try prompt(Array(line)))
      } catch {
        throw PromptError("\(file), line \(index + 1): \(error)")
      }
    }
    guard !prompts.isEmpty else {
      throw PromptError("\(file) has no prompt; write one JSON object a line, such as {\"prompt\": \"Once\"}")
    }
    return prompts
  }

  private func prompt(_ line: [UInt8]) throws(PromptError) -> PromptInput {
    let value: JSONValue
    do throws(ParseError) {
      value = try JSONReader.parse(line)
    } catch {
      throw PromptError("it is no JSON: \(error)")
    }
    if let text = value["prompt"]?.string { return try self.text(text) }
    guard let ids = value["prompt_token_ids"]?.array else {
      throw PromptError("it needs \"prompt\", a string, or \"prompt_token_ids\", a list of ids")
    }
    var tokens: [TokenID] = []
    for id in ids {
      guard let number = id.int, let id = Int32(exactly: number), id >= 0 else {
        throw PromptError("\"prompt_token_ids\" may hold only ids from 0 to \(Int32.max)")
      }
      tokens.append(TokenID(rawValue: id))
    }
    return PromptInput(tokens: tokens)
  }
}
