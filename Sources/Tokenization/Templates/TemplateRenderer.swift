/// Runs one template once.
///
/// Walks the statements; keeps the text so far, the variables, and the budget that `TemplateLimits` grants.
final class TemplateRenderer {
  let limits: TemplateLimits
  let context: [TemplateText: TemplateValue]
  let now: TemplateTime

  /// The text so far of the innermost capture, or of the whole template.
  var output: [UInt8] = []
  var frame: TemplateFrame
  var line = 1
  var depth = 0

  /// What a filter block has captured, innermost last.
  var captured: [TemplateText] = []

  private var steps = 0
  private var allocatedBytes = 0
  private var outerOutputBytes = 0
  private let deadline: ContinuousClock.Instant

  /// Values that may hold each other in circles; emptied at the end.
  private var namespaces: [TemplateNamespace] = []
  private var sharedFrames: [TemplateFrame] = []

  init(
    placeCount: Int, context: [TemplateText: TemplateValue], now: TemplateTime, limits: TemplateLimits
  ) {
    self.context = context
    self.now = now
    self.limits = limits
    frame = TemplateFrame(count: placeCount, parent: nil)
    deadline = ContinuousClock.now + limits.maxDuration
  }

  func render(_ body: TemplateBody) throws(TemplateError) -> TemplateText {
    sharedFrames.append(frame)
    defer { breakCircles() }
    do {
      _ = try run(body)
      return TemplateText(utf8: output)
    } catch {
      throw error.located(at: line)
    }
  }

  private func breakCircles() {
    for namespace in namespaces { namespace.members = [] }
    for frame in sharedFrames { frame.places = [] }
  }

  // MARK: Budget

  func step(_ count: Int = 1) throws(TemplateError) {
    let before = steps
    steps += count
    guard steps <= limits.maxSteps else {
      throw TemplateError(.limit, "the template takes more than the \(limits.maxSteps) steps allowed")
    }
    if before >> 12 != steps >> 12, ContinuousClock.now > deadline {
      throw TemplateError(.limit, "the template takes longer than the \(limits.maxDuration) allowed")
    }
  }

  /// Accounts for a value of `bytes` that is about to be made.
  func allocate(bytes: Int) throws(TemplateError) {
    guard bytes <= limits.maxTextBytes else {
      throw TemplateError(.limit, "a value is larger than the \(limits.maxTextBytes) bytes allowed")
    }
    allocatedBytes += bytes
    guard allocatedBytes <= limits.maxAllocatedBytes else {
      throw TemplateError(
        .limit, "the template makes more than the \(limits.maxAllocatedBytes) bytes allowed")
    }
    try step(bytes >> 8)
  }

  func enter() throws(TemplateError) {
    depth += 1
    guard depth <= limits.maxDepth else {
      throw TemplateError(
        .limit, "calls and expressions are nested deeper than the \(limits.maxDepth) levels allowed")
    }
  }

  // MARK: Values

  func text(_ value: TemplateValue) throws(TemplateError) -> TemplateText {
    if case .text(let text) = value, !text.isMarkup { return text }
    let text = try ValuePrinter.text(value, self)
    try allocate(bytes: text.utf8.count)
    return text
  }

  func list(_ items: [TemplateValue]) throws(TemplateError) -> TemplateValue { .list(try sequence(items)) }

  func sequence(_ items: [TemplateValue], isGroup: Bool = false) throws(TemplateError) -> TemplateSequence {
    try allocate(bytes: items.count * 32 + 32)
    let sequence = TemplateSequence(items, isGroup: isGroup)
    try check(depth: sequence.depth)
    return sequence
  }

  func dict(_ builder: TemplateMappingBuilder) throws(TemplateError) -> TemplateValue {
    try allocate(bytes: builder.keys.count * 96 + 64)
    let mapping = TemplateMapping(builder)
    try check(depth: mapping.depth)
    return .dict(mapping)
  }

  private func check(depth: Int) throws(TemplateError) {
    guard depth <= 300 else {
      throw TemplateError(.limit, "a value is nested deeper than the 300 levels allowed")
    }
  }

  func namespace() throws(TemplateError) -> TemplateNamespace {
    try allocate(bytes: 128)
    let namespace = TemplateNamespace()
    namespaces.append(namespace)
    return namespace
  }

  /// Notes that something may outlive the call it was made in.
  func share(_ frame: TemplateFrame) throws(TemplateError) {
    guard !frame.isShared else { return }
    frame.isShared = true
    try allocate(bytes: frame.places.count * 32 + 64)
    sharedFrames.append(frame)
  }

  // MARK: Output

  func write(_ text: TemplateText) throws(TemplateError) {
    guard output.count + text.utf8.count + outerOutputBytes <= limits.maxTextBytes else {
      throw TemplateError(.limit, "the rendered text is longer than the \(limits.maxTextBytes) bytes allowed")
    }
    output += text.utf8
  }

  /// Runs `body` and returns what it wrote.
  func capture(_ body: () throws(TemplateError) -> Void) throws(TemplateError) -> TemplateText {
    let outer = output
    output = []
    outerOutputBytes += outer.count
    defer {
      output = outer
      outerOutputBytes -= outer.count
    }
    try body()
    try allocate(bytes: output.count)
    return TemplateText(utf8: output)
  }
}
