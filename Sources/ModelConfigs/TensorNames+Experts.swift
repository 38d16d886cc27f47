package import Tensors

extension TensorNames {
  // MARK: Router

  /// [E, D]
  package func router(layer: Int) -> CheckpointTensor {
    let shape = [moe.numExperts, config.hiddenSize]
    let name = "\(layerPrefix(layer))mlp.gate.weight"
    guard config.family == .mixtral else { return CheckpointTensor(name, shape: shape) }
    return CheckpointTensor("\(layerPrefix(layer))block_sparse_moe.gate.weight", name, shape: shape)
  }

  /// [E]; only with `hasSelectionBias`.
  package func routerSelectionBias(layer: Int) -> CheckpointTensor {
    CheckpointTensor("\(layerPrefix(layer))mlp.gate.e_score_correction_bias", shape: [moe.numExperts])
  }

  // MARK: Routed experts

  /// [F, D] of one expert: alone, or the first F rows of its part of a stacked [E, 2 F, D].
  package func gate(layer: Int, expert: Int) -> CheckpointTensor {
    gateOrUp(layer, expert, plain: "gate_proj", mixtral: "w1", stackedRow: 0)
  }

  /// [F, D] of one expert: alone, or the last F rows of its part of a stacked [E, 2 F, D].
  package func up(layer: Int, expert: Int) -> CheckpointTensor {
    gateOrUp(layer, expert, plain: "up_proj", mixtral: "w3", stackedRow: moe.intermediateSize)
  }

  /// [D, F] of one expert: alone, or its part of a stacked [E, D, F].
  package func down(layer: Int, expert: Int) -> CheckpointTensor {
    let (hidden, width) = (config.hiddenSize, moe.intermediateSize)
    return CheckpointTensor(
      shape: [hidden, width],
      locations: [
        single(layer, expert, plain: "down_proj", mixtral: "w2", shape: [hidden, width]),
        TensorLocation(
          name: "\(layerPrefix(layer))mlp.experts.down_proj", shape: [moe.numExperts, hidden, width],
          firstRow: expert * hidden),
      ])
  }

  // MARK: Shared expert

  /// [F', D], F' being `sharedExpertIntermediateSize`.
  package func sharedGate(layer: Int) -> CheckpointTensor { shared(layer, "gate_proj") }
  /// [F', D]
  package func sharedUp(layer: Int) -> CheckpointTensor { shared(layer, "up_proj") }
  /// [D, F']
  package func sharedDown(layer: Int) -> CheckpointTensor { shared(layer, "down_proj") }
  /// [1, D]; only with `sharedExpertGate`.
  package func sharedOutputGate(layer: Int) -> CheckpointTensor {
    CheckpointTensor("\(layerPrefix(layer))mlp.shared_expert_gate.weight", shape: [1, config.hiddenSize])
  }

  // MARK: Spelling

  private var moe: MoEConfig {
    guard let moe = config.moe else { preconditionFailure("\(config.architecture) has no experts") }
    return moe
  }

  private func gateOrUp(
    _ layer: Int, _ expert: Int, plain: String, mixtral: String, stackedRow: Int
  ) -> CheckpointTensor {
    let (hidden, width) = (config.hiddenSize, moe.intermediateSize)
    return CheckpointTensor(
      shape: [width, hidden],
      locations: [
        single(layer, expert, plain: plain, mixtral: mixtral, shape: [width, hidden]),
        TensorLocation(
          name: "\(layerPrefix(layer))mlp.experts.gate_up_proj", shape: [moe.numExperts, 2 * width, hidden],
          firstRow: expert * 2 * width + stackedRow),
      ])
  }

  private func single(
    _ layer: Int, _ expert: Int, plain: String, mixtral: String, shape: [Int]
  ) -> TensorLocation {
    let name =
      config.family == .mixtral
      ? "block_sparse_moe.experts.\(expert).\(mixtral)" : "mlp.experts.\(expert).\(plain)"
    return TensorLocation(name: "\(layerPrefix(layer))\(name).weight", shape: shape, firstRow: 0)
  }

  private func shared(_ layer: Int, _ name: String) -> CheckpointTensor {
    let (hidden, width) = (config.hiddenSize, moe.sharedExpertIntermediateSize ?? 0)
    let module = config.family == .qwen2MoE ? "shared_expert" : "shared_experts"
    return CheckpointTensor(
      "\(layerPrefix(layer))mlp.\(module).\(name).weight",
      shape: name == "down_proj" ? [hidden, width] : [width, hidden])
  }
}
