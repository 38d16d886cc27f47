extension TemplateRenderer {
  func call(_ function: TemplateValue, _ arguments: CallArguments) throws(TemplateError) -> TemplateValue {
    try enter()
    defer { depth -= 1 }
    switch function {
    case .undefined(let undefined): throw undefined.error
    case .macro(let macro): return .text(try call(macro, arguments))
    case .method(let method): return try callMethod(method.name, of: method.receiver, arguments)
    case .function(let function): return try call(function, arguments)
    case .joiner(let joiner):
      _ = try arguments.bind("joiner", [])
      defer { joiner.isUsed = true }
      return joiner.isUsed ? joiner.separator : .text(.empty)
    case .loop(let loop):
      let values = try arguments.bind("loop", ["iterable"], required: 1)
      guard let recurse = loop.recurse else {
        throw TemplateError(.value, "The loop must have the 'recursive' marker to be called recursively.")
      }
      return .text(try recurse(values[0] ?? .null, loop.depth0 + 1))
    default: throw TemplateError(.value, "'\(function.typeName)' object is not callable")
    }
  }

  /// Runs a macro and returns what it wrote.
  func call(_ macro: TemplateMacro, _ arguments: CallArguments) throws(TemplateError) -> TemplateText {
    try enter()
    defer { depth -= 1 }
    let body = macro.body
    let called = TemplateFrame(count: body.placeCount, parent: macro.frame)
    try bind(arguments, to: body, in: called)
    let caller = frame
    frame = called
    defer { frame = caller }
    return try capture { () throws(TemplateError) in
      try open(body.body.scope)
      for (index, place) in body.parameterPlaces.enumerated() where called.places[place] == nil {
        let fallback = index - (body.parameters.count - body.defaults.count)
        called.places[place] =
          fallback >= 0
          ? try evaluate(body.defaults[fallback])
          : UndefinedValue.hint("parameter '\(body.parameters[index])' was not provided")
      }
      _ = try run(body.body.statements)
    }
  }

  private func bind(_ arguments: CallArguments, to body: FunctionBody, in called: TemplateFrame)
    throws(TemplateError)
  {
    let name = body.name.map { "'\($0)'" } ?? "None"
    var keywords = arguments.keywords
    for (place, value) in zip(body.parameterPlaces, arguments.positional) { called.places[place] = value }
    for (index, place) in body.parameterPlaces.enumerated() where index >= arguments.positional.count {
      guard let found = keywords.firstIndex(where: { $0.name == body.parameters[index] }) else { continue }
      called.places[place] = keywords.remove(at: found).value
    }
    if let place = body.callerPlace {
      let found = keywords.firstIndex { $0.name == "caller" }
      called.places[place] =
        found.map { keywords.remove(at: $0).value } ?? UndefinedValue.hint("No caller defined")
    }
    if let place = body.keywordsPlace {
      var builder = TemplateMappingBuilder()
      for keyword in keywords { builder.set(TemplateText(keyword.name), keyword.value) }
      called.places[place] = try dict(builder)
    } else if let keyword = keywords.first {
      if keywords.contains(where: { $0.name == "caller" }) {
        throw TemplateError(
          .value,
          "macro \(name) was invoked with two values for the special caller argument. This is most likely a bug."
        )
      }
      throw TemplateError(.value, "macro \(name) takes no keyword argument '\(keyword.name)'")
    }
    if let place = body.positionalsPlace {
      called.places[place] = .tuple(
        try sequence(Array(arguments.positional.dropFirst(body.parameters.count))))
    } else if arguments.positional.count > body.parameters.count {
      throw TemplateError(.value, "macro \(name) takes not more than \(body.parameters.count) argument(s)")
    }
  }

  private func call(_ function: GlobalFunction, _ arguments: CallArguments) throws(TemplateError)
    -> TemplateValue
  {
    switch function {
    case .range: return try range(arguments)
    case .dict: return try dict(try members(arguments, "dict"))
    case .namespace:
      let result = try namespace()
      let builder = try members(arguments, "namespace")
      for (key, value) in zip(builder.keys, builder.values) {
        guard case .text(let name) = key else { continue }
        try set(name, of: result, to: value)
      }
      return .namespace(result)
    case .cycler:
      guard !arguments.positional.isEmpty, arguments.keywords.isEmpty else {
        throw TemplateError(.value, "at least one item has to be provided")
      }
      return .cycler(TemplateCycler(arguments.positional))
    case .joiner:
      return .joiner(TemplateJoiner(try arguments.bind("joiner", ["sep"])[0] ?? .text(", ")))
    case .raiseException:
      let message = try arguments.bind("raise_exception", ["message"], required: 1)[0] ?? .null
      throw TemplateError(.raised, try text(message).string, line: line)
    case .strftimeNow:
      let format = try arguments.bind("strftime_now", ["format"], required: 1)[0] ?? .null
      guard case .text(let format) = format else {
        throw TemplateError(.value, "strftime() argument 1 must be str, not \(format.typeName)")
      }
      return .text(TemplateText(now.formatted(format.string)))
    }
  }

  /// The members of `dict(...)` and `namespace(...)`: one mapping or pairs, then keywords.
  private func members(_ arguments: CallArguments, _ name: String) throws(TemplateError)
    -> TemplateMappingBuilder
  {
    guard arguments.positional.count <= 1 else {
      throw TemplateError(.value, "\(name) expected at most 1 argument, got \(arguments.positional.count)")
    }
    var builder = TemplateMappingBuilder()
    switch arguments.positional.first {
    case .none: break
    case .dict(let mapping): builder = try TemplateMappingBuilder(mapping)
    case .some(let pairs):
      for pair in try items(of: pairs) {
        let parts = try items(of: pair)
        guard parts.count == 2 else {
          throw TemplateError(
            .value, "dictionary update sequence element has length \(parts.count); 2 is required")
        }
        try builder.set(parts[0], parts[1])
      }
    }
    for keyword in arguments.keywords { builder.set(TemplateText(keyword.name), keyword.value) }
    return builder
  }

  private func range(_ arguments: CallArguments) throws(TemplateError) -> TemplateValue {
    guard arguments.keywords.isEmpty else {
      throw TemplateError(.value, "range() takes no keyword arguments")
    }
    var numbers: [Int] = []
    for value in arguments.positional {
      if case .undefined(let undefined) = value { throw undefined.error }
      guard let number = value.integer else {
        throw TemplateError(.value, "'\(value.typeName)' object cannot be interpreted as an integer")
      }
      numbers.append(number)
    }
    guard (1...3).contains(numbers.count) else {
      throw TemplateError(.value, "range expected 1 to 3 arguments, got \(numbers.count)")
    }
    let start = numbers.count == 1 ? 0 : numbers[0]
    let step = numbers.count == 3 ? numbers[2] : 1
    guard step != 0 else { throw TemplateError(.value, "range() arg 3 must not be zero") }
    let range = TemplateRange(start: start, stop: numbers.count == 1 ? numbers[0] : numbers[1], step: step)
    guard range.count <= 100_000 else {
      throw TemplateError(
        .value, "Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).")
    }
    return .range(range)
  }
}
