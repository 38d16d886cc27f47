internal import Compute
internal import Parsing

extension EngineConfiguration {
  /// What the tokens of a request depend on besides the request, in words; equal for every mesh.
  ///
  /// The weights themselves are not read: another checkpoint of the same shape in the same place is not noticed.
  package func tokenIdentity() throws(EngineError) -> String {
    let sizes = try RunSizes(self)
    let text = Array(JSONWriter.string(configJSON).utf8)
    var parts = ["configuration \(String(HardwareChecksum.crc32c(text.span, 0), radix: 16))"]
    parts.append(dummySeed.map { "dummy weights of seed \($0)" } ?? "weights as \(weightDType)")
    parts.append("quantization \(quantization)")
    parts.append("KV cache \(kvFormat)")
    parts.append("length \(sizes.maxModelLength)")
    parts.append("end tokens \(endOfSequenceTokens.sorted().map(String.init).joined(separator: "+"))")
    return parts.joined(separator: ", ")
  }
}
