Name: Per-session command control (SAC)
Default: no
Priority: -1024
Session-Type: Additional
Session:
	required	pam_sac.so
