extension Deployment {
  /// Files of `deploy/kubernetes`, by name.
  package var kubernetes: [(name: String, text: String)] {
    [
      ("configmap.yaml", configMap), ("service.yaml", service), ("coordinator.yaml", coordinator),
      ("workers.yaml", workers),
    ]
  }

  private var configMap: String {
    """
    # Settings of the run and what it decodes; keys as in configs/base.yaml.
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: \(name)
    data:
      run.yaml: |
    \(settings.map { "    " + $0 }.joined(separator: "\n"))
      prompts.jsonl: |
        \(Self.prompts)

    """
  }

  private var service: String {
    """
    # Gives the coordinator its name, coordinator.\(name), from the moment its pod has an address.
    apiVersion: v1
    kind: Service
    metadata:
      name: \(name)
    spec:
      clusterIP: None
      publishNotReadyAddresses: true
      selector:
        app: \(name)
        role: coordinator
      ports:
        - {name: control, port: \(port)}
        - {name: pulses, port: \(port + 1)}

    """
  }

  private var coordinator: String {
    """
    # Plans, schedules, and prints the answers: kubectl logs job/\(name)-coordinator
    apiVersion: batch/v1
    kind: Job
    metadata:
      name: \(name)-coordinator
    spec:
      backoffLimit: 3
      template:
        metadata:
          labels: {app: \(name), role: coordinator}
        spec:
          restartPolicy: Never
          hostname: coordinator
          subdomain: \(name)
          securityContext: {runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532}
          containers:
            - name: coordinator
              image: \(image)
              args:
                - generate
                - --config=/config/run.yaml
                - --coordinator-address=$(POD_IP):\(port)
                - --prompts-file=/config/prompts.jsonl
              env:
                - name: POD_IP
                  valueFrom: {fieldRef: {fieldPath: status.podIP}}
              ports:
                - {name: control, containerPort: \(port)}
                - {name: pulses, containerPort: \(port + 1)}
              # The port is open as soon as workers may come, and as long as the run goes on.
              startupProbe: {tcpSocket: {port: control}, periodSeconds: 1, failureThreshold: 60}
              livenessProbe: {tcpSocket: {port: control}, periodSeconds: 10}
              resources: {requests: {cpu: "1", memory: 1Gi}}
              securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
    \(mounts(isCoordinator: true))

    """
  }

  private var workers: String {
    """
    # One pod for each rank; its completion index is the rank. A pod that fails is started again and joins again.
    apiVersion: batch/v1
    kind: Job
    metadata:
      name: \(name)-worker
    spec:
      completionMode: Indexed
      completions: \(worldSize)
      parallelism: \(worldSize)
      backoffLimit: 100
      template:
        metadata:
          labels: {app: \(name), role: worker}
        spec:
          restartPolicy: OnFailure
          securityContext: {runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532}
          containers:
            - name: worker
              image: \(image)
              args: [worker, --data-endpoint, "tcp://auto:\(port + 2)"]
              env:
                - {name: WORLD_SIZE, value: "\(worldSize)"}
                - {name: MASTER_ADDR, value: coordinator.\(name)}
                - {name: MASTER_PORT, value: "\(port)"}
                - {name: MESHDECODE_JOIN_SECRET_FILE, value: /run/secrets/meshdecode/join}
              ports:
                - {name: data, containerPort: \(port + 2)}
              # Open before the worker joins. One that hangs later is noticed by its pulses, not by a probe.
              startupProbe: {tcpSocket: {port: data}, periodSeconds: 1, failureThreshold: 60}
              resources: {requests: {cpu: "\(cpus)", memory: \(memory)}, limits: {memory: \(memory)}}
              securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
    \(mounts(isCoordinator: false))

    """
  }

  /// The secret, made beforehand by kubectl; the settings; the model where it is not the bundled one.
  private func mounts(isCoordinator: Bool) -> String {
    var mounts = ["{name: secret, mountPath: /run/secrets/meshdecode, readOnly: true}"]
    var volumes = ["{name: secret, secret: {secretName: \(name)-join, defaultMode: 288}}"]
    if isCoordinator {
      mounts.append("{name: config, mountPath: /config, readOnly: true}")
      volumes.append("{name: config, configMap: {name: \(name)}}")
    }
    if !model.isEmpty {
      mounts.append("{name: model, mountPath: \(model), readOnly: true}")
      volumes.append("{name: model, hostPath: {path: \(model), type: Directory}}")
    }
    return
      (["          volumeMounts:"] + mounts.map { "            - \($0)" } + ["      volumes:"]
      + volumes.map { "        - \($0)" }).joined(separator: "\n")
  }
}
