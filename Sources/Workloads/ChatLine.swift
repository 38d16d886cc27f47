/// What a line typed in a chat means.
package enum ChatLine: Sendable, Hashable {
  case message(String)
  case help
  /// Forget the conversation.
  case reset
  /// Answer the last question again.
  case retry
  /// Take the last question and its answer back.
  case undo
  /// Show the conversation.
  case history
  /// New instructions; empty shows the present ones.
  case system(String)
  case quit
  /// Looks like a command but is none.
  case unknown(String)
  case nothing

  /// A line that begins with a slash is a command, with a doubled slash a message that begins with one.
  package init(_ line: String) {
    let text = Substring(line).trimming
    if text.isEmpty {
      self = .nothing
    } else if text.hasPrefix("//") {
      self = .message(String(text.dropFirst()))
    } else if text.hasPrefix("/") {
      let parts = text.split(separator: " ", maxSplits: 1)
      self = Self.command(String(parts[0]), parts.count > 1 ? String(parts[1].trimming) : "")
    } else {
      self = .message(String(text))
    }
  }

  private static func command(_ name: String, _ argument: String) -> ChatLine {
    switch name {
    case "/help", "/?": .help
    case "/reset", "/clear": .reset
    case "/retry": .retry
    case "/undo": .undo
    case "/history": .history
    case "/system": .system(argument)
    case "/quit", "/exit", "/bye": .quit
    default: .unknown(name)
    }
  }

  /// What `/help` shows.
  package static let commands = """
    /reset         forget the conversation (also /clear)
    /retry         answer the last question again
    /undo          take the last question and its answer back
    /history       show the conversation
    /system TEXT   set the system prompt; without TEXT show it
    /quit          leave (also /exit, /bye or Ctrl-D)
    \"\"\"            begins and ends a message of several lines
    //             begins a message with a slash
    Ctrl-C         stops the answer; at the prompt it leaves
    """
}

/// Joins lines between `\"\"\"` and `\"\"\"` into one message.
package struct ChatBlocks: Sendable {
  private var open: [String]?

  package init() {}

  /// Whether the next line goes on with a message.
  package var isOpen: Bool { open != nil }

  /// What this line completes; nil inside a block.
  package mutating func append(_ line: String) -> ChatLine? {
    let marker = "\"\"\""
    guard var lines = open else {
      let text = Substring(line).trimming
      guard text.hasPrefix(marker) else { return ChatLine(line) }
      let rest = text.dropFirst(3)
      if rest.hasSuffix(marker) { return Self.message([String(rest.dropLast(3))]) }
      open = rest.isEmpty ? [] : [String(rest)]
      return nil
    }
    guard line.hasSuffix(marker) else {
      open = lines + [line]
      return nil
    }
    open = nil
    if line.count > 3 { lines.append(String(line.dropLast(3))) }
    return Self.message(lines)
  }

  /// What is left at the end of the input.
  package mutating func finish() -> ChatLine? {
    defer { open = nil }
    return open.map(Self.message)
  }

  private static func message(_ lines: [String]) -> ChatLine {
    let text = lines.joined(separator: "\n")
    return text.allSatisfy(\.isWhitespace) ? .nothing : .message(text)
  }
}

extension Substring {
  fileprivate var trimming: Substring {
    var text = self
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
