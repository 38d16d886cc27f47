internal import Parsing

/// A value while a template runs: Python's types as far as templates can reach them.
enum TemplateValue {
  case undefined(UndefinedValue)
  case null
  case bool(Bool)
  case int(Int)
  case float(Double)
  case text(TemplateText)
  case list(TemplateSequence)
  case tuple(TemplateSequence)
  case dict(TemplateMapping)
  case view(TemplateMappingView)
  case range(TemplateRange)
  case iterator(TemplateIterator)
  case namespace(TemplateNamespace)
  case macro(TemplateMacro)
  case loop(TemplateLoop)
  case cycler(TemplateCycler)
  case joiner(TemplateJoiner)
  case function(GlobalFunction)
  case method(BoundMethod)
}

/// Why a value is missing: printed as nothing, an error in most other uses.
struct UndefinedValue {
  let message: String
  var kind: TemplateError.Kind = .undefined

  /// A variable that nobody set.
  static func variable(_ name: String) -> TemplateValue {
    .undefined(UndefinedValue(message: "\(TemplateText(name).pythonRepr) is undefined"))
  }

  static func hint(_ message: String) -> TemplateValue { .undefined(UndefinedValue(message: message)) }

  var error: TemplateError { TemplateError(kind, message) }
}

/// Elements of a list or a tuple; never changed once made, so that identity is that of the box.
final class TemplateSequence {
  let items: [TemplateValue]

  /// Containers inside one another.
  let depth: Int

  /// A pair of `groupby`, whose parts also have the names `grouper` and `list`.
  let isGroup: Bool

  init(_ items: [TemplateValue], isGroup: Bool = false) {
    self.items = items
    self.isGroup = isGroup
    var deepest = 0
    for item in items { deepest = max(deepest, item.depth) }
    depth = deepest + 1
  }
}

/// A `range`: its numbers are computed, not stored.
struct TemplateRange {
  let start: Int
  let stop: Int
  let step: Int
  let count: Int

  /// `step` is not zero.
  init(start: Int, stop: Int, step: Int) {
    self.start = start
    self.stop = stop
    self.step = step
    let span = step > 0 ? stop.subtractingReportingOverflow(start) : start.subtractingReportingOverflow(stop)
    let distance = span.overflow ? Int.max : span.partialValue
    count = distance <= 0 ? 0 : (distance - 1) / Int(clamping: step.magnitude) + 1
  }

  subscript(_ index: Int) -> Int { start + index * step }
}

/// Values that can be taken once, one after the other: what generators and iterators are in Python.
final class TemplateIterator {
  private var pending: (() throws(TemplateError) -> [TemplateValue])?
  private var items: [TemplateValue] = []
  private var position = 0

  /// Iterators that wait for one another.
  let chainLength: Int

  init(chainLength: Int = 0, _ pending: @escaping () throws(TemplateError) -> [TemplateValue]) {
    self.pending = pending
    self.chainLength = chainLength
  }

  init(_ items: [TemplateValue]) {
    self.items = items
    chainLength = 0
  }

  func next() throws(TemplateError) -> TemplateValue? {
    try fill()
    guard position < items.count else { return nil }
    position += 1
    return items[position - 1]
  }

  func takeAll() throws(TemplateError) -> [TemplateValue] {
    try fill()
    let rest = position == 0 ? items : Array(items[position...])
    position = items.count
    return rest
  }

  func fill() throws(TemplateError) {
    guard let pending else { return }
    self.pending = nil
    items = try pending()
  }
}

/// The one kind of value whose members a template may set.
final class TemplateNamespace {
  var members: [(name: TemplateText, value: TemplateValue)] = []

  subscript(_ name: TemplateText) -> TemplateValue? {
    get { members.first { $0.name == name }?.value }
    set {
      guard let newValue else { return }
      if let index = members.firstIndex(where: { $0.name == name }) {
        members[index].value = newValue
      } else {
        members.append((name, newValue))
      }
    }
  }
}

/// `cycler(a, b)`: its items in turn, over and over.
final class TemplateCycler {
  let items: [TemplateValue]
  var position = 0

  init(_ items: [TemplateValue]) { self.items = items }
}

/// `joiner(", ")`: nothing on the first call, the separator on all others.
final class TemplateJoiner {
  let separator: TemplateValue
  var isUsed = false

  init(_ separator: TemplateValue) { self.separator = separator }
}

/// A method together with the value it belongs to.
final class BoundMethod {
  let receiver: TemplateValue
  let name: String

  init(_ receiver: TemplateValue, _ name: String) {
    self.receiver = receiver
    self.name = name
  }
}

/// Functions every template can call.
enum GlobalFunction: String {
  case range, dict, namespace, cycler, joiner
  case raiseException = "raise_exception"
  case strftimeNow = "strftime_now"
}

extension TemplateValue {
  static func string(_ string: String) -> TemplateValue { .text(TemplateText(string)) }

  static func array(_ items: [TemplateValue]) -> TemplateValue { .list(TemplateSequence(items)) }

  var isUndefined: Bool { if case .undefined = self { true } else { false } }

  var isNull: Bool { if case .null = self { true } else { false } }

  var text: TemplateText? { if case .text(let text) = self { text } else { nil } }

  /// Containers inside one another, itself included.
  var depth: Int {
    switch self {
    case .list(let sequence), .tuple(let sequence): sequence.depth
    case .dict(let mapping): mapping.depth
    case .view(let view): view.mapping.depth
    case .cycler, .joiner, .method: 8
    default: 0
    }
  }

  /// Integers and booleans, as Python's arithmetic takes them.
  var integer: Int? {
    switch self {
    case .int(let value): value
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }

  /// Any number as a double.
  var number: Double? {
    if case .float(let value) = self { return value }
    return integer.map(Double.init)
  }

  var isTrue: Bool {
    switch self {
    case .undefined, .null: false
    case .bool(let value): value
    case .int(let value): value != 0
    case .float(let value): value != 0
    case .text(let text): !text.isEmpty
    case .list(let sequence), .tuple(let sequence): !sequence.items.isEmpty
    case .dict(let mapping): mapping.count > 0
    case .view(let view): view.mapping.count > 0
    case .range(let range): range.count > 0
    default: true
    }
  }

  /// The name of the type in Python.
  var typeName: String {
    switch self {
    case .undefined: "Undefined"
    case .null: "NoneType"
    case .bool: "bool"
    case .int: "int"
    case .float: "float"
    case .text(let text): text.isMarkup ? "Markup" : "str"
    case .list: "list"
    case .tuple(let sequence): sequence.isGroup ? "_GroupTuple" : "tuple"
    case .dict: "dict"
    case .view(let view): view.part.typeName
    case .range: "range"
    case .iterator: "generator"
    case .namespace: "Namespace"
    case .macro: "Macro"
    case .loop: "LoopContext"
    case .cycler: "Cycler"
    case .joiner: "Joiner"
    case .function: "function"
    case .method: "builtin_function_or_method"
    }
  }

  /// How the type is named in "... has no attribute ...".
  var describedType: String { isNull ? "None" : "\(typeName) object" }
}

extension TemplateValue {
  /// Values of a JSON text.
  init(_ json: JSONValue) {
    switch json {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .integer(let value): self = .int(Int(value))
    case .number(let value): self = .float(value)
    case .string(let value): self = .string(value)
    case .array(let elements): self = .array(elements.map(TemplateValue.init))
    case .object(let object): self = .dict(TemplateMapping(object))
    }
  }
}

extension TemplateMapping {
  convenience init(_ object: JSONObject) {
    var builder = TemplateMappingBuilder()
    for member in object.members { builder.set(TemplateText(member.key), TemplateValue(member.value)) }
    self.init(builder)
  }
}
