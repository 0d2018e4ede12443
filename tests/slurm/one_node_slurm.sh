#!/bin/sh
# A SLURM cluster of one node, this machine, for tests: Debian's slurm-wlm and munge with all their state in one folder.
# Nothing is installed into the system and no root is needed: apt downloads the packages, dpkg unpacks them in FOLDER.
# usage: one_node_slurm.sh install FOLDER     download and unpack (needs apt, dpkg and Debian's package servers)
#        one_node_slurm.sh start FOLDER       start munged, slurmctld and slurmd; SLURM's commands are then in FOLDER/bin
#        one_node_slurm.sh stop FOLDER        cancel all jobs and end the daemons; safe to call at any time
set -eu
fail() { printf 'one-node SLURM: %s\n' "$1" >&2; exit 1; }

[ $# -eq 2 ] || fail "usage: $0 install|start|stop FOLDER"
mkdir -p "$2"
folder=$(cd "$2" && pwd)
system=$folder/system # where the packages are unpacked
PATH=$folder/bin:$PATH
cluster=one_node_$(printf %s "$folder" | cksum | cut -d ' ' -f 1) # a name of its own: jobs bear it in their environment
machine=$(uname -m)-linux-gnu
libraries=$system/usr/lib/$machine:$system/usr/lib/$machine/slurm-wlm

write_commands() { # SLURM's commands, each knowing its libraries and this cluster: jobs do not inherit SLURM_CONF
  mkdir -p "$folder/bin"
  for program in "$system"/usr/bin/* "$system"/usr/sbin/*; do
    cat > "$folder/bin/$(basename "$program" -wlm)" <<-WRAPPER
	#!/bin/sh
	export LD_LIBRARY_PATH="$libraries\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" SLURM_CONF="$folder/slurm.conf"
	exec "$program" "\$@"
	WRAPPER
  done
  chmod +x "$folder"/bin/*
}

install() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || fail "apt-get and dpkg-deb are needed"
  # Lists of packages of our own: the system's may be empty or old, and only root may renew them.
  mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial" "$folder/apt/packages" "$system"
  own="-o Dir::State::lists=$folder/apt/lists -o Dir::Cache=$folder/apt -o Debug::NoLocking=1 -o APT::Sandbox::User=$(id -un)"
  own="$own -o Acquire::Retries=2 -o Acquire::http::Timeout=20" # without a network: an end soon
  # shellcheck disable=SC2086 # options and package names are several words
  (
    cd "$folder/apt/packages"
    apt-get -qq $own update
    missing=$(apt-get -s $own install --no-install-recommends slurm-wlm munge | awk '/^Inst/ { print $2 }')
    # What the system has already it need not get, but a private copy of these does no harm.
    apt-get -qq $own download $missing slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge
    for package in *.deb; do dpkg-deb -x "$package" "$system"; done
  )
  write_commands
}

start() {
  [ -x "$folder/bin/slurmctld" ] || fail "nothing is installed in $folder: call '$0 install $folder' first"
  state=$folder/state
  mkdir -p "$state/controller" "$state/node"
  [ -f "$state/munge.key" ] || (umask 077; head -c 128 /dev/urandom > "$state/munge.key")
  : > "$state/plugstack.conf"
  # shellcheck disable=SC2046 # three port numbers
  set -- $(python3 -c 'import socket as s
held = [s.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in held))')
  node=$(slurmd -C | head -n 1) # NodeName=... CPUs=... RealMemory=...
  cat > "$folder/slurm.conf" <<-CONF
	ClusterName=$cluster
	SlurmctldHost=$(hostname -s)(127.0.0.1)
	SlurmUser=$(id -un)
	SlurmdUser=$(id -un)
	SlurmctldPort=$1
	SlurmdPort=$2
	AuthType=auth/munge
	AuthInfo=socket=$state/munge.socket
	PluginDir=$system/usr/lib/$machine/slurm-wlm
	PlugStackConfig=$state/plugstack.conf
	StateSaveLocation=$state/controller
	SlurmdSpoolDir=$state/node
	SlurmctldPidFile=$state/slurmctld.pid
	SlurmdPidFile=$state/slurmd.pid
	SlurmctldLogFile=$state/slurmctld.log
	SlurmdLogFile=$state/slurmd.log
	MailProg=/bin/true
	MpiDefault=none
	# No cgroups, no accounting: both need root or a data base.
	ProctrackType=proctrack/linuxproc
	TaskPlugin=task/none
	JobAcctGatherType=jobacct_gather/none
	AccountingStorageType=accounting_storage/none
	SelectType=select/cons_tres
	SelectTypeParameters=CR_Core_Memory
	SchedulerType=sched/builtin
	SchedulerParameters=batch_sched_delay=0,sched_interval=2
	# Finished jobs stay visible in squeue for this long; the profile asks for 120 s or more.
	MinJobAge=300
	KillWait=2
	ReturnToService=1
	$node NodeAddr=127.0.0.1 State=UNKNOWN
	PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
	CONF
  # Forced: it would have the socket open to all users of a machine.
  munged --force --key-file "$state/munge.key" --socket "$state/munge.socket" --pid-file "$state/munged.pid" \
    --log-file "$state/munged.log" --seed-file "$state/munged.seed" || fail "munged: see $state/munged.log"
  slurmctld -c || fail "slurmctld: see $state/slurmctld.log"
  slurmd -c -d "$system/usr/sbin/slurmstepd-wlm" || fail "slurmd: see $state/slurmd.log"
  waited=0
  until [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ]; do
    waited=$((waited + 1))
    [ $waited -le 60 ] || fail "the node is not idle after a minute: see $state/*.log"
    sleep 1
  done
}

stop() {
  [ ! -f "$folder/state/slurmctld.pid" ] || timeout 10 scancel --user "$(id -un)" || true
  sleep 1
  for daemon in slurmd slurmctld munged; do
    file=$folder/state/$daemon.pid
    [ -f "$file" ] || continue
    pid=$(cat "$file")
    kill "$pid" 2>/dev/null || continue
    waited=0
    while kill -0 "$pid" 2>/dev/null; do
      waited=$((waited + 1))
      [ $waited -le 20 ] || { kill -9 "$pid" 2>/dev/null || true; break; }
      sleep 0.5
    done
  done
  # Without cgroups SLURM loses sight of a job's processes whose parent was killed before them.
  for process in /proc/[0-9]*; do
    if tr '\0' '\n' < "$process/environ" 2>/dev/null | grep -qx "SLURM_CLUSTER_NAME=$cluster"; then
      kill -9 "${process#/proc/}" 2>/dev/null || true
    fi
  done
}

case $1 in
  install | start | stop) "$1" "$@" ;;
  *) fail "unknown command '$1': install, start or stop" ;;
esac
