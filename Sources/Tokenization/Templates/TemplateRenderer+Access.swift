/// Attributes, items, slices and calls, under the rules of the sandbox.
extension TemplateRenderer {
  /// `value.name`: an attribute, else an item.
  func member(_ name: TemplateText, of value: TemplateValue) throws(TemplateError) -> TemplateValue {
    if case .dict(let mapping) = value, name.utf8.first != UInt8(ascii: "_"), let item = mapping[name],
      !TemplateMethods.has(name.string, value)
    {
      return item
    }
    if let attribute = try attribute(name, of: value) { return attribute }
    if case .dict(let mapping) = value, let item = mapping[name] { return item }
    return missing(.text(name), of: value)
  }

  /// `value[key]`: an item, else an attribute of that name.
  func item(_ key: TemplateValue, of value: TemplateValue) throws(TemplateError) -> TemplateValue {
    if case .undefined(let undefined) = value { throw undefined.error }
    if let item = element(key, of: value) { return item }
    if case .text(let name) = key, let attribute = try attribute(name, of: value) { return attribute }
    return missing(key, of: value)
  }

  private func missing(_ key: TemplateValue, of value: TemplateValue) -> TemplateValue {
    if case .text(let name) = key {
      return UndefinedValue.hint("'\(value.describedType)' has no attribute \(name.pythonRepr)")
    }
    let shown = (try? ValuePrinter.repr(key, self))?.string ?? "given"
    return UndefinedValue.hint("\(value.describedType) has no element \(shown)")
  }

  /// The element of a sequence or mapping; nil for a missing one and for values without elements.
  private func element(_ key: TemplateValue, of value: TemplateValue) -> TemplateValue? {
    switch value {
    case .dict(let mapping):
      if case .text(let name) = key { return mapping[name] }
      return (try? MappingKey(key)).flatMap { mapping[$0] }
    case .list(let sequence), .tuple(let sequence):
      return position(key, in: sequence.items.count).map { sequence.items[$0] }
    case .range(let range): return position(key, in: range.count).map { .int(range[$0]) }
    case .text(let text):
      guard let index = position(key, in: text.count) else { return nil }
      return .text(text.substring(index..<(index + 1)))
    default: return nil
    }
  }

  private func position(_ key: TemplateValue, in count: Int) -> Int? {
    guard let index = key.integer else { return nil }
    let position = index < 0 ? index &+ count : index
    return position >= 0 && position < count ? position : nil
  }

  /// What Python's `getattr` finds; nil when there is no such attribute.
  func attribute(_ name: TemplateText, of value: TemplateValue) throws(TemplateError) -> TemplateValue? {
    if case .undefined(let undefined) = value { throw undefined.error }
    if name.utf8.first == UInt8(ascii: "_") {
      let isSpecial = name.hasPrefix("__") && name.hasSuffix("__") && name.count > 4
      guard isSpecial, !isNamespace(value) else { return nil }
      return unsafe(name, value)
    }
    let string = name.string
    if TemplateMethods.has(string, value) {
      if TemplateMethods.isUnsafe(string, value) { return unsafe(name, value) }
      return .method(BoundMethod(value, string))
    }
    switch value {
    case .namespace(let namespace): return namespace[name]
    case .loop(let loop): return try attribute(string, of: loop)
    case .macro(let macro): return attribute(string, of: macro)
    case .cycler(let cycler): return string == "current" ? cycler.items[cycler.position] : nil
    case .joiner(let joiner):
      return string == "sep" ? joiner.separator : string == "used" ? .bool(joiner.isUsed) : nil
    case .range(let range):
      switch string {
      case "start": return .int(range.start)
      case "stop": return .int(range.stop)
      case "step": return .int(range.step)
      default: return nil
      }
    case .tuple(let sequence) where sequence.isGroup:
      return string == "grouper" ? sequence.items[0] : string == "list" ? sequence.items[1] : nil
    case .int, .bool, .float: return numberAttribute(string, value)
    default: return nil
    }
  }

  private func isNamespace(_ value: TemplateValue) -> Bool {
    if case .namespace = value { true } else { false }
  }

  private func unsafe(_ name: TemplateText, _ value: TemplateValue) -> TemplateValue {
    let message = "access to attribute \(name.pythonRepr) of '\(value.typeName)' object is unsafe."
    return .undefined(UndefinedValue(message: message, kind: .security))
  }

  private func numberAttribute(_ name: String, _ value: TemplateValue) -> TemplateValue? {
    switch name {
    case "real": return value.integer.map { .int($0) } ?? value
    case "imag": return value.integer == nil ? .float(0) : .int(0)
    case "numerator": return value.integer.map { .int($0) }
    case "denominator": return value.integer == nil ? nil : .int(1)
    default: return nil
    }
  }

  private func attribute(_ name: String, of macro: TemplateMacro) -> TemplateValue? {
    switch name {
    case "name": macro.name.map { .string($0) } ?? .null
    case "arguments": .tuple(TemplateSequence(macro.body.parameters.map { .string($0) }))
    case "catch_kwargs": .bool(macro.body.keywordsPlace != nil)
    case "catch_varargs": .bool(macro.body.positionalsPlace != nil)
    case "caller": .bool(macro.body.callerPlace != nil)
    default: nil
    }
  }

  private func attribute(_ name: String, of loop: TemplateLoop) throws(TemplateError) -> TemplateValue? {
    switch name {
    case "index": return .int(loop.index0 + 1)
    case "index0": return .int(loop.index0)
    case "first": return .bool(loop.index0 == 0)
    case "last": return .bool(try loop.peek() == nil)
    case "length": return .int(try loop.length())
    case "revindex": return .int(try loop.length() - loop.index0)
    case "revindex0": return .int(try loop.length() - loop.index0 - 1)
    case "depth": return .int(loop.depth0 + 1)
    case "depth0": return .int(loop.depth0)
    case "previtem":
      return loop.index0 == 0
        ? UndefinedValue.hint("there is no previous item")
        : loop.previous ?? UndefinedValue.hint("there is no previous item")
    case "nextitem": return try loop.peek() ?? UndefinedValue.hint("there is no next item")
    default: return nil
    }
  }

  // MARK: Slices

  func slice(_ value: TemplateValue, start: TemplateValue, stop: TemplateValue, step: TemplateValue)
    throws(TemplateError) -> TemplateValue
  {
    let count: Int
    switch value {
    case .undefined(let undefined): throw undefined.error
    case .text(let text): count = text.count
    case .list(let sequence), .tuple(let sequence): count = sequence.items.count
    case .range(let range): count = range.count
    case .dict: throw TemplateError(.value, "unhashable type: 'slice'")
    default: throw TemplateError(.value, "'\(value.typeName)' object is not subscriptable")
    }
    let indices = try sliceIndices(count: count, start: start, stop: stop, step: step)
    switch value {
    case .text(let text):
      try allocate(bytes: indices.count * 4)
      var result: TemplateText
      if indices.step == 1 {
        result = text.substring(indices.start..<(indices.start + indices.count))
      } else {
        let scalars = text.scalars
        result = TemplateText(scalars: (0..<indices.count).map { scalars[indices[$0]] })
      }
      result.isMarkup = text.isMarkup
      return .text(result)
    case .list(let sequence): return try list((0..<indices.count).map { sequence.items[indices[$0]] })
    case .tuple(let sequence):
      return .tuple(try self.sequence((0..<indices.count).map { sequence.items[indices[$0]] }))
    case .range(let range):
      let first = range.start + indices.start * range.step
      return .range(
        TemplateRange(
          start: first, stop: range.start + indices.stop * range.step, step: range.step * indices.step))
    default: return .null
    }
  }

  /// The positions of a slice, clamped to the sequence as Python does.
  private func sliceIndices(count: Int, start: TemplateValue, stop: TemplateValue, step: TemplateValue)
    throws(TemplateError) -> TemplateRange
  {
    let step = try sliceBound(step) ?? 1
    guard step != 0 else { throw TemplateError(.value, "slice step cannot be zero") }
    let lowest = step < 0 ? -1 : 0
    let highest = step < 0 ? count - 1 : count
    func clamp(_ bound: Int?, _ fallback: Int) -> Int {
      guard let bound else { return fallback }
      return min(max(bound < 0 ? bound + count : bound, lowest), highest)
    }
    let first = clamp(try sliceBound(start), step < 0 ? highest : lowest)
    let last = clamp(try sliceBound(stop), step < 0 ? lowest : highest)
    return TemplateRange(start: first, stop: last, step: step)
  }

  private func sliceBound(_ value: TemplateValue) throws(TemplateError) -> Int? {
    if case .null = value { return nil }
    guard let bound = value.integer else {
      throw TemplateError(.value, "slice indices must be integers or None or have an __index__ method")
    }
    // WHY: any bound beyond the longest sequence means the same, and sums with it cannot overflow.
    return min(max(bound, -(1 << 40)), 1 << 40)
  }
}
