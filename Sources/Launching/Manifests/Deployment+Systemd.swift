extension Deployment {
  /// Files of `deploy/systemd`, by name.
  package var systemd: [(name: String, text: String)] {
    [
      ("\(name)-worker@.service", workerUnit), ("\(name)-coordinator.service", coordinatorUnit),
      ("worker.env", workerVariables), ("run.yaml", runSettings),
    ]
  }

  private var workerUnit: String {
    """
    # One rank: systemctl enable --now \(name)-worker@0
    [Unit]
    Description=MeshDecode worker, rank %i
    Wants=network-online.target
    After=network-online.target

    [Service]
    Environment=RANK=%i
    EnvironmentFile=/etc/\(name)/worker.env
    # For this service alone; the file itself stays with root.
    LoadCredential=join:/etc/\(name)/join
    Environment=MESHDECODE_JOIN_SECRET_FILE=%d/join
    ExecStart=/usr/bin/meshdecode worker
    # It ends with its run, and waits for the next one by trying again.
    Restart=always
    RestartSec=2
    \(Self.hardening)

    [Install]
    WantedBy=multi-user.target

    """
  }

  private var coordinatorUnit: String {
    """
    # One run: systemctl start \(name)-coordinator; journalctl -u \(name)-coordinator
    [Unit]
    Description=MeshDecode coordinator
    Wants=network-online.target
    After=network-online.target

    [Service]
    Type=oneshot
    EnvironmentFile=/etc/\(name)/worker.env
    LoadCredential=join:/etc/\(name)/join
    ExecStart=/usr/bin/meshdecode generate --config /etc/\(name)/run.yaml \\
      --coordinator-address ${MASTER_ADDR}:${MASTER_PORT} \\
      --join-secret-file %d/join --prompts-file /etc/\(name)/prompts.jsonl
    TimeoutStartSec=infinity
    \(Self.hardening)

    """
  }

  private static let hardening = """
    DynamicUser=yes
    NoNewPrivileges=yes
    ProtectSystem=strict
    ProtectHome=yes
    PrivateTmp=yes
    LimitNOFILE=4096
    """

  private var workerVariables: String {
    """
    # The same on every host: ranks in all, and where the coordinator is.
    WORLD_SIZE=\(worldSize)
    MASTER_ADDR=10.0.0.1
    MASTER_PORT=\(port)

    """
  }

  private var runSettings: String {
    (["# Settings of the run; keys as in configs/base.yaml."]
      + settings.filter { !$0.hasPrefix("join_secret_file") })
      .joined(separator: "\n") + "\n"
  }
}
