import Parsing

/// The steps of a decoder, sequences unfolded.
struct DecoderPipeline: Sendable {
  let steps: [DecoderStep]

  /// The first step that joins all tokens; steps after it see one text that arrives in parts.
  let joiningStep: Int

  init(_ json: JSONValue?) throws(TokenizerError) {
    var steps: [DecoderStep] = []
    if let json { try Self.append(json, to: &steps) } else { steps = [.spaces] }
    self.steps = steps
    joiningStep = steps.firstIndex { $0.joinsTokens } ?? steps.count
  }

  private static func append(_ json: JSONValue, to steps: inout [DecoderStep]) throws(TokenizerError) {
    let part = try PipelinePart(json, kind: "decoder")
    switch part.type {
    case "Sequence":
      for element in try part.array("decoders") { try append(element, to: &steps) }
    case "ByteLevel": steps.append(.byteLevel)
    case "Fuse": steps.append(.fuse)
    case "ByteFallback": steps.append(.byteFallback)
    case "Replace":
      let pattern = try TextPattern(part["pattern"], place: part.name)
      steps.append(.replace(pattern, with: Array(try part.string("content").utf8)))
    case "Strip":
      steps.append(
        .strip(
          scalar: try part.scalar("content"), start: try part.count("start"), stop: try part.count("stop")))
    case "Metaspace":
      let options = try PreTokenizer.Metaspace(part)
      let scalar = UTF8Scalars.decode(options.replacement.span, at: 0).scalar
      steps.append(.metaspace(scalar: scalar, dropsFirst: options.prepending != .never))
    case "WordPiece":
      steps.append(
        .wordPiece(prefix: Array(try part.string("prefix").utf8), cleansUp: try part.bool("cleanup")))
    case "BPEDecoder": steps.append(.bytePair(suffix: Array(try part.string("suffix").utf8)))
    case "CTC":
      steps.append(
        .ctc(
          pad: Array(try part.string("pad_token").utf8),
          delimiter: Array(try part.string("word_delimiter_token").utf8), cleansUp: try part.bool("cleanup")))
    default: throw part.unsupported
    }
  }
}

/// One run of a decoder over tokens that arrive one by one.
///
/// Everything that is decided is in `output`; what later tokens could still change is held back by the step that
/// decides about it. Decoding a whole list is the same run, so streamed parts always add up to the whole.
struct DecoderRun {
  private struct State {
    /// Tokens seen, or characters for a strip of one text.
    var count = 0
    var held: [UInt8] = []
    var hasHeld = false
    var repair = UTF8Repair()
  }

  private let pipeline: DecoderPipeline
  private var states: [State]

  /// Decided text that nobody has taken yet: always whole UTF-8 sequences.
  var output: [UInt8] = []

  init(_ pipeline: DecoderPipeline) {
    self.pipeline = pipeline
    states = Array(repeating: State(), count: pipeline.steps.count)
  }

  mutating func push(_ token: ArraySlice<UInt8>) { push(Array(token), at: 0) }

  /// After the last token.
  mutating func finish() { finish(at: 0) }

  private mutating func push(_ token: [UInt8], at index: Int) {
    if index == pipeline.steps.count {
      output.append(contentsOf: token)
      return
    }
    if index > pipeline.joiningStep {
      pushPart(token, at: index)
      return
    }
    let step = pipeline.steps[index]
    switch step {
    case .byteLevel:
      var text: [UInt8] = []
      states[index].repair.append(ByteAlphabet.decode(token[...]) ?? token, to: &text)
      if !text.isEmpty { push(text, at: index + 1) }
    case .fuse: push(token, at: index + 1)
    case .byteFallback:
      if let byte = ByteToken.byte(token[...]) {
        states[index].held.append(byte)
      } else {
        flushBytes(at: index)
        push(token, at: index + 1)
      }
    case .bytePair(let suffix):
      // Only the last token ends without a space.
      if states[index].hasHeld {
        push(Cleanup.replace(suffix, with: [0x20], in: states[index].held), at: index + 1)
      }
      states[index].held = token
      states[index].hasHeld = true
    case .ctc:
      if states[index].hasHeld, states[index].held == token { return }
      states[index].held = token
      states[index].hasHeld = true
      let text = step.transform(token, number: 0)
      if !text.isEmpty { push(text, at: index + 1) }
    case .replace, .strip, .metaspace, .wordPiece, .spaces:
      states[index].count += 1
      push(step.transform(token, number: states[index].count - 1), at: index + 1)
    }
  }

  /// Bytes of neighbouring tokens are text together, or as many replacement characters as they are.
  private mutating func flushBytes(at index: Int) {
    let bytes = states[index].held
    if bytes.isEmpty { return }
    states[index].held.removeAll(keepingCapacity: true)
    if (try? UTF8Span(validating: bytes.span)) != nil {
      push(bytes, at: index + 1)
    } else {
      for _ in bytes { push(ReplacementCharacter.bytes, at: index + 1) }
    }
  }

  private mutating func finish(at index: Int) {
    if index == pipeline.steps.count { return }
    if index > pipeline.joiningStep {
      finishPart(at: index)
    } else {
      switch pipeline.steps[index] {
      case .byteLevel:
        var text: [UInt8] = []
        states[index].repair.finish(to: &text)
        if !text.isEmpty { push(text, at: index + 1) }
      case .byteFallback: flushBytes(at: index)
      case .bytePair where states[index].hasHeld:
        push(pipeline.steps[index].transform(states[index].held, number: 0), at: index + 1)
      default: break
      }
    }
    finish(at: index + 1)
  }

  /// A part of the one text that a step behind the joining one sees.
  private mutating func pushPart(_ part: [UInt8], at index: Int) {
    switch pipeline.steps[index] {
    case .fuse, .spaces: push(part, at: index + 1)
    case .metaspace(let scalar, let dropsFirst):
      push(DecoderStep.metaspace(part, scalar, drops: dropsFirst), at: index + 1)
    case .replace(.literal(let literal), let content): replace(literal, content, part, at: index)
    case .strip(let scalar, let start, let stop): strip(scalar, start, stop, part, at: index)
    case .byteLevel, .byteFallback, .replace, .wordPiece, .bytePair, .ctc:
      states[index].held.append(contentsOf: part)
    }
  }

  private mutating func finishPart(at index: Int) {
    let step = pipeline.steps[index]
    let held = states[index].held
    if held.isEmpty { return }
    states[index].held = []
    switch step {
    case .replace(.literal, _): push(held, at: index + 1)
    case .strip: break
    default:
      let text = step.transform(held, number: 0)
      if !text.isEmpty { push(text, at: index + 1) }
    }
  }

  /// Replaces a literal in a text that arrives in parts; holds back what may be its beginning.
  private mutating func replace(_ literal: [UInt8], _ content: [UInt8], _ part: [UInt8], at index: Int) {
    let text = states[index].held + part
    var bounds: [Int] = []
    TextPattern.literal(literal).appendMatches(in: text, range: 0..<text.count, to: &bounds)
    let tail = text[(bounds.last ?? 0)...]
    let heldCount = PartialMatch.suffixLength(of: tail, in: literal)
    states[index].held = Array(tail.suffix(heldCount))
    let done = Array(text.dropLast(heldCount))
    let result = bounds.isEmpty ? done : TextPattern.literal(literal).replacing(in: done, with: content)
    if !result.isEmpty { push(result, at: index + 1) }
  }

  /// Strips the ends of a text that arrives in parts; holds back what may be its end.
  private mutating func strip(_ scalar: UInt32, _ start: Int, _ stop: Int, _ part: [UInt8], at index: Int) {
    var cut: [UInt8] = []
    UTF8Scalars.append(scalar, to: &cut)
    var text = part[...]
    while states[index].count < start, !text.isEmpty {
      guard text.starts(with: cut) else {
        states[index].count = start
        break
      }
      text = text.dropFirst(cut.count)
      states[index].count += 1
    }
    let all = states[index].held + text
    var heldCount = 0
    var count = 0
    while count < stop, all.dropLast(heldCount).suffix(cut.count).elementsEqual(cut) {
      heldCount += cut.count
      count += 1
    }
    states[index].held = Array(all.suffix(heldCount))
    if all.count > heldCount { push(Array(all.dropLast(heldCount)), at: index + 1) }
  }
}

/// The end of a text that may be the beginning of something.
enum PartialMatch {
  /// The length of the longest end of the text that is a beginning of the pattern, but not all of it.
  static func suffixLength(of text: ArraySlice<UInt8>, in pattern: [UInt8]) -> Int {
    var length = min(text.count, pattern.count - 1)
    while length > 0 {
      if text.suffix(length).elementsEqual(pattern.prefix(length)) { return length }
      length -= 1
    }
    return 0
  }
}
