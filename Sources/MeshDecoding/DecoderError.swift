internal import Engine

/// Why a decoder cannot do what it was asked for: one sentence.
public struct DecoderError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Kind: Sendable, Hashable {
    /// The configuration cannot be run.
    case configuration
    /// A call that needs loaded weights came before `load`.
    case notLoaded
    /// An argument that does not fit the model or the decoder's limits; the decoder is as before.
    case input
    /// The mesh failed; the decoder can only be closed, and loaded anew.
    case failure
  }

  public let kind: Kind
  public let description: String

  init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }

  init(_ error: EngineError) {
    self.init(error.kind == .configuration ? .configuration : .failure, error.description)
  }
}
