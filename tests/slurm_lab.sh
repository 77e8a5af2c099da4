#!/usr/bin/env bash
# A throw-away SLURM on this machine alone, for the tests: munge, slurmctld and one slurmd with two fake GPUs, all in
# loopback on free ports, without systemd and without an accounting database. Needs slurm-wlm and munge; works as root.
#   tests/slurm_lab.sh FOLDER start    then: export SLURM_CONF=FOLDER/slurm.conf PATH=FOLDER/bin:$PATH
#   tests/slurm_lab.sh FOLDER stop     cancels all jobs, ends the daemons and removes FOLDER; happens by itself, too,
#                                      when the process that called `start` has ended
# FOLDER must not exist before, and its path must be short: a socket's path has at most 107 characters.
set -euo pipefail
LAB=${1:?a folder}
export PATH=$PATH:/usr/sbin SLURM_CONF=$LAB/slurm.conf

alive() { [ -s "$LAB/$1.pid" ] && kill -0 "$(cat "$LAB/$1.pid")" 2>/dev/null; }

wait_for() { # SECONDS COMMAND...
  for _ in $(seq "$(($1 * 10))"); do "${@:2}" >/dev/null 2>&1 && return; sleep 0.1; done
  echo "SLURM did not come up: $*" >&2; tail -n 20 "$LAB"/*.log >&2; return 1
}

stop() {
  [ -d "$LAB" ] || return 0
  if alive slurmctld; then # without it scancel waits for a minute
    timeout 10 scancel --user "$(id -un)" || true
    wait_for 15 sh -c '! squeue --noheader | grep -q .' || true
  fi
  for daemon in slurmd slurmctld munged; do
    if alive "$daemon"; then kill "$(cat "$LAB/$daemon.pid")"; fi
  done
  for daemon in slurmd slurmctld munged; do
    if alive "$daemon"; then wait_for 15 sh -c "! kill -0 $(cat "$LAB/$daemon.pid")" || kill -9 "$(cat "$LAB/$daemon.pid")"; fi
  done
  rm -rf "$LAB"
}

configure() {
  local ports host; host=$(hostname -s)
  ports=($(python3 -c 'import socket; held = [socket.socket() for _ in range(2)]
for one in held: one.bind(("127.0.0.1", 0)); print(one.getsockname()[1])'))
  # SLURM sets CUDA_VISIBLE_DEVICES only for character devices: twins of /dev/null
  for gpu in 0 1; do mknod -m 666 "$LAB/nvidia$gpu" c 1 3; done
  echo "NodeName=$host Name=gpu Type=fake File=$LAB/nvidia[0-1]" >"$LAB/gres.conf"
  # MinJobAge: squeue must still know a job that has ended when Snakemake looks. config_overrides: more CPUs than are there.
  cat >"$LAB/slurm.conf" <<CONF
ClusterName=lab
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmdPort=${ports[1]}
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
AuthInfo=socket=$LAB/munge.socket
CryptoType=crypto/munge
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=bf_interval=2,sched_min_interval=100000
SlurmctldPidFile=$LAB/slurmctld.pid
SlurmdPidFile=$LAB/slurmd.pid
SlurmctldLogFile=$LAB/slurmctld.log
SlurmdLogFile=$LAB/slurmd.log
StateSaveLocation=$LAB/state
SlurmdSpoolDir=$LAB/spool
SlurmdParameters=config_overrides
PropagateResourceLimits=NONE
ReturnToService=2
MinJobAge=600
KillWait=2
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=8 RealMemory=200000 Gres=gpu:fake:2
PartitionName=cpu Nodes=$host Default=YES DefMemPerCPU=100 MaxTime=1-0
PartitionName=gpu Nodes=$host DefMemPerCPU=100 MaxTime=1-0
CONF
  # The plugin's inner srun loses SLURM_CONF; this one, first on the path, gives it back. (The other cure, a link at
  # /etc/slurm/slurm.conf, would slow every Snakemake call of the machine down if it were ever left behind.)
  printf '#!/bin/sh\nSLURM_CONF=%s exec %s "$@"\n' "$SLURM_CONF" "$(command -v srun)" >"$LAB/bin/srun"
  chmod 755 "$LAB/bin/srun"
}

start() {
  mkdir -p "$LAB"/{bin,state,spool}
  configure
  (umask 077; head -c 1024 /dev/urandom >"$LAB/munge.key")
  munged --force --num-threads=2 --key-file="$LAB/munge.key" --socket="$LAB/munge.socket" --pid-file="$LAB/munged.pid" \
    --log-file="$LAB/munged.log" --seed-file="$LAB/munge.seed"
  wait_for 10 munge --no-input --socket="$LAB/munge.socket"
  (cd "$LAB" && slurmctld -i)
  wait_for 20 scontrol ping
  (cd "$LAB" && slurmd -N "$(hostname -s)")
  wait_for 30 sh -c 'sinfo --noheader -o %t | grep -qx idle'
  (while kill -0 "$PPID" 2>/dev/null; do sleep 2; done; exec "$0" "$LAB" stop) </dev/null >/dev/null 2>&1 &
}

case ${2:-} in
  start) [ ! -e "$LAB" ] || { echo "$LAB exists; name a folder of its own" >&2; exit 2; }; start ;;
  stop) stop ;;
  *) echo "usage: $0 FOLDER start|stop" >&2; exit 2 ;;
esac
