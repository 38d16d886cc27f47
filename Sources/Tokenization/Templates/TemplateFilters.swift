/// The filters after `|`, by name.
enum TemplateFilters {
  typealias Filter =
    @Sendable (TemplateRenderer, TemplateValue, CallArguments) throws(TemplateError) -> TemplateValue

  static let all: [String: Filter] = [texts, values, sequences, selections, markups].reduce(into: [:]) {
    $0.merge($1) { first, _ in first }
  }

  /// Parameters of a filter and what it does with their values.
  static func filter(
    _ name: String, _ parameters: [String] = [], required: Int = 0,
    _ body:
      @escaping @Sendable (TemplateRenderer, TemplateValue, [TemplateValue?]) throws(TemplateError) ->
      TemplateValue
  ) -> Filter {
    { (renderer, value, arguments) throws(TemplateError) in
      try body(renderer, value, try arguments.bind(name, parameters, required: required))
    }
  }

  private static let values: [String: Filter] = [
    "default": filter("default", ["default_value", "boolean"], defaulted),
    "d": filter("d", ["default_value", "boolean"], defaulted),
    "length": filter("length") { (renderer, value, _) throws(TemplateError) in
      .int(try renderer.length(value))
    },
    "count": filter("count") { (renderer, value, _) throws(TemplateError) in .int(try renderer.length(value))
    },
    "abs": filter("abs") { (renderer, value, _) throws(TemplateError) in
      switch value {
      case .undefined(let undefined): throw undefined.error
      case .float(let number): return .float(number.magnitude)
      default:
        guard let number = value.integer else {
          throw TemplateError(.value, "bad operand type for abs(): '\(value.typeName)'")
        }
        return number < 0 ? try renderer.apply(.negate, .int(number)) : .int(number)
      }
    },
    "int": filter("int", ["default", "base"]) { (_, value, values) throws(TemplateError) in
      try integer(value, fallback: values[0] ?? .int(0), base: values[1]?.integer ?? 10)
    },
    "float": filter("float", ["default"]) { (_, value, values) throws(TemplateError) in
      if case .undefined(let undefined) = value { throw undefined.error }
      return float(value).map { .float($0) } ?? values[0] ?? .float(0)
    },
    "round": filter("round", ["precision", "method"]) { (renderer, value, values) throws(TemplateError) in
      try rounded(renderer, value, precision: values[0] ?? .int(0), method: values[1] ?? .text("common"))
    },
    "attr": filter("attr", ["name"], required: 1) { (renderer, value, values) throws(TemplateError) in
      guard case .text(let name) = values[0] else {
        throw TemplateError(.value, "attribute name must be string, not '\(values[0]?.typeName ?? "None")'")
      }
      return try renderer.attribute(name, of: value)
        ?? UndefinedValue.hint("'\(value.describedType)' has no attribute \(name.pythonRepr)")
    },
    "tojson": filter("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"]) {
      (renderer, value, values) throws(TemplateError) in
      .text(try renderer.json(value, options: values))
    },
    "items": filter("items") { (_, value, _) throws(TemplateError) in
      switch value {
      case .undefined: .iterator(TemplateIterator([]))
      case .dict(let mapping): .iterator(TemplateIterator(mapping.pairs))
      default: throw TemplateError(.value, "Can only get item pairs from a mapping.")
      }
    },
    "filesizeformat": filter("filesizeformat", ["binary"]) { (_, value, values) throws(TemplateError) in
      .string(try fileSize(value, binary: values[0]?.isTrue ?? false))
    },
  ]

  private static let defaulted:
    @Sendable (TemplateRenderer, TemplateValue, [TemplateValue?]) throws(TemplateError) -> TemplateValue = {
      (_, value, values) throws(TemplateError) in
      value.isUndefined || (values[1]?.isTrue ?? false) && !value.isTrue ? values[0] ?? .text(.empty) : value
    }

  /// `int()` of a value, else of its float, else the fallback.
  private static func integer(_ value: TemplateValue, fallback: TemplateValue, base: Int)
    throws(TemplateError)
    -> TemplateValue
  {
    switch value {
    case .undefined(let undefined): throw undefined.error
    case .float(let number):
      guard number.isFinite else { return fallback }
      guard let integer = Int(exactly: number.rounded(.towardZero)) else {
        throw TemplateError(.value, "the integer of \(number.pythonRepr) does not fit 64 bits")
      }
      return .int(integer)
    case .text(let text):
      if let integer = PythonNumber.integer(text, base: base) { return .int(integer) }
      guard let number = PythonNumber.float(text), number.isFinite,
        let integer = Int(exactly: number.rounded(.towardZero))
      else { return fallback }
      return .int(integer)
    default: return value.integer.map { .int($0) } ?? fallback
    }
  }

  private static func float(_ value: TemplateValue) -> Double? {
    if case .text(let text) = value { return PythonNumber.float(text) }
    return value.number
  }

  private static func rounded(
    _ renderer: TemplateRenderer, _ value: TemplateValue, precision: TemplateValue, method: TemplateValue
  ) throws(TemplateError) -> TemplateValue {
    guard case .text(let method) = method, ["common", "ceil", "floor"].contains(method.string) else {
      throw TemplateError(.value, "method must be common, ceil or floor")
    }
    if case .undefined(let undefined) = value { throw undefined.error }
    guard let number = value.number else {
      throw TemplateError(.value, "type \(value.typeName) doesn't define __round__ method")
    }
    if method == "common" {
      if case .null = precision { return .int(try wholeNumber(PythonNumber.rounded(number, places: 0))) }
      guard let places = precision.integer else {
        throw TemplateError(.value, "'\(precision.typeName)' object cannot be interpreted as an integer")
      }
      if let integer = value.integer { return .int(PythonNumber.rounded(integer, places: places)) }
      return .float(PythonNumber.rounded(number, places: places))
    }
    let scale = try renderer.apply(.power, .int(10), precision)
    let scaled = try renderer.apply(.multiply, value, scale)
    let direction: FloatingPointRoundingRule = method == "ceil" ? .up : .down
    let whole =
      scaled.integer != nil ? scaled : .int(try wholeNumber((scaled.number ?? 0).rounded(direction)))
    return try renderer.apply(.divide, whole, scale)
  }

  private static func wholeNumber(_ number: Double) throws(TemplateError) -> Int {
    guard let integer = Int(exactly: number) else {
      throw TemplateError(.value, "cannot convert float \(number.pythonRepr) to a 64-bit integer")
    }
    return integer
  }

  private static func fileSize(_ value: TemplateValue, binary: Bool) throws(TemplateError) -> String {
    if case .undefined(let undefined) = value { throw undefined.error }
    guard let bytes = float(value) else {
      throw TemplateError(.value, "could not convert a value of type '\(value.typeName)' to float")
    }
    let base: Double = binary ? 1024 : 1000
    if bytes == 1 { return "1 Byte" }
    if bytes < base { return "\(Int(bytes)) Bytes" }
    var unit = base
    var prefix = ""
    for letter in ["k", "M", "G", "T", "P", "E", "Z", "Y"] {
      unit *= base
      prefix = binary ? letter.uppercased() + "iB" : letter + "B"
      if bytes < unit { break }
    }
    return ExactDecimal(base * bytes / unit).fixed(places: 1) + " " + prefix
  }
}

extension TemplateRenderer {
  func filter(_ name: String, _ value: TemplateValue, _ arguments: CallArguments) throws(TemplateError)
    -> TemplateValue
  {
    guard let filter = TemplateFilters.all[name] else {
      throw TemplateError(.value, "No filter named '\(name)' found.")
    }
    return try filter(self, value, arguments)
  }

  func length(_ value: TemplateValue) throws(TemplateError) -> Int {
    switch value {
    case .undefined: return 0
    case .text(let text): return text.count
    case .list(let sequence), .tuple(let sequence): return sequence.items.count
    case .dict(let mapping): return mapping.count
    case .view(let view): return view.mapping.count
    case .range(let range): return range.count
    case .loop(let loop): return try loop.length()
    default: throw TemplateError(.value, "object of type '\(value.typeName)' has no len()")
    }
  }
}
