/// A `for` loop in progress, and what `loop` is inside it. Items are pulled one at a time, or ahead when asked for.
final class TemplateLoop {
  typealias Source = () throws(TemplateError) -> TemplateValue?

  private let source: Source
  private var known: Int?
  private var queue: ArraySlice<TemplateValue> = []
  private var isExhausted = false
  private(set) var index0 = -1
  private var current: TemplateValue?
  private(set) var previous: TemplateValue?

  /// Renders the body over inner items; only for a recursive loop.
  let recurse: ((TemplateValue, Int) throws(TemplateError) -> TemplateText)?
  let depth0: Int
  var lastChanged: [TemplateValue]?

  /// `count` is the number of items when it is known without walking them.
  init(
    count: Int?, depth0: Int, recurse: ((TemplateValue, Int) throws(TemplateError) -> TemplateText)?,
    source: @escaping Source
  ) {
    known = count
    self.depth0 = depth0
    self.recurse = recurse
    self.source = source
  }

  func advance() throws(TemplateError) -> TemplateValue? {
    let next: TemplateValue?
    if let queued = queue.popFirst() { next = queued } else { next = try pull() }
    guard let next else { return nil }
    index0 += 1
    previous = current
    current = next
    return next
  }

  private func pull() throws(TemplateError) -> TemplateValue? {
    guard !isExhausted else { return nil }
    if let item = try source() { return item }
    isExhausted = true
    return nil
  }

  /// The item after the current one.
  func peek() throws(TemplateError) -> TemplateValue? {
    if queue.isEmpty, let item = try pull() { queue.append(item) }
    return queue.first
  }

  /// All items; walks the rest when their number is not known.
  func length() throws(TemplateError) -> Int {
    if let known { return known }
    while let item = try pull() { queue.append(item) }
    known = queue.count + index0 + 1
    return queue.count + index0 + 1
  }
}

/// Variables of one call of a function (the template itself, a macro, a call block, a recursive loop, a loop filter).
final class TemplateFrame {
  var places: [TemplateValue?]
  let parent: TemplateFrame?

  /// Whether a macro or call block was made in it.
  var isShared = false

  init(count: Int, parent: TemplateFrame?) {
    places = Array(repeating: nil, count: count)
    self.parent = parent
  }

  func frame(outwards hops: Int) -> TemplateFrame {
    var frame = self
    for _ in 0..<hops { if let parent = frame.parent { frame = parent } }
    return frame
  }
}

/// A macro, or the body of a call block as `caller`, with the variables around its definition.
final class TemplateMacro {
  let body: FunctionBody
  let frame: TemplateFrame

  init(_ body: FunctionBody, in frame: TemplateFrame) {
    self.body = body
    self.frame = frame
  }

  var name: String? { body.name }
}

/// The arguments of a call, evaluated.
struct CallArguments {
  var positional: [TemplateValue] = []
  var keywords: [(name: String, value: TemplateValue)] = []

  /// The arguments by parameter, nil where none was given; at least `required` must be.
  func bind(_ function: String, _ parameters: [String], required: Int = 0) throws(TemplateError)
    -> [TemplateValue?]
  {
    guard positional.count <= parameters.count else {
      throw TemplateError(
        .value, "\(function)() takes at most \(parameters.count) arguments (\(positional.count) given)")
    }
    var values: [TemplateValue?] = positional
    values += Array(repeating: nil, count: parameters.count - positional.count)
    for keyword in keywords {
      guard let index = parameters.firstIndex(of: keyword.name) else {
        throw TemplateError(.value, "\(function)() got an unexpected keyword argument '\(keyword.name)'")
      }
      guard values[index] == nil else {
        throw TemplateError(.value, "\(function)() got multiple values for argument '\(keyword.name)'")
      }
      values[index] = keyword.value
    }
    for index in 0..<required where values[index] == nil {
      throw TemplateError(.value, "\(function)() missing required argument '\(parameters[index])'")
    }
    return values
  }
}
