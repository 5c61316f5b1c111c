#!/bin/sh
# Turns a bare Debian tree into the base image of a lab host: a small machine with systemd and sshd.
# Runs as root inside that tree. Beside it lie: sources (apt's), apt.conf, packages,
# bundle (what the machine trusts) and certificates/*.crt (what it trusts and Debian does not know).
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# Package sources: those of the machine, so that a lab host gets packages where the machine gets them.
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
cp "$here/sources" /etc/apt/sources.list.d/debian.sources
cp "$here/apt.conf" /etc/apt/apt.conf.d/90machine

# Container images keep services from starting when they are installed; a host starts them.
rm -f /usr/sbin/policy-rc.d /etc/apt/apt.conf.d/docker-*
printf 'path-exclude=%s\n' '/usr/share/doc/*' '/usr/share/man/*' '/usr/share/locale/*' \
  > /etc/dpkg/dpkg.cfg.d/lab
packages=$(cat "$here/packages")
# shellcheck disable=SC2086 # a list of words
if ! dpkg-query --show $packages > /dev/null 2>&1; then
  chmod -R a+rX "$here"  # apt reads as a user of its own
  trust=Acquire::https::CAInfo=/etc/ssl/certs/ca-certificates.crt
  if [ -e "$here/bundle" ]; then trust=Acquire::https::CAInfo=$here/bundle; fi
  apt-get -q -o "$trust" update
  apt-get -q -o "$trust" install --yes --no-install-recommends $packages
fi

# Certificate authorities that this machine trusts beyond the usual ones: without them downloads
# from inside a lab host fail where the machine's own succeed.
if ls "$here"/certificates/*.crt > /dev/null 2>&1; then
  cp "$here"/certificates/*.crt /usr/local/share/ca-certificates/
  update-ca-certificates
fi

# sshd: keys only, and keys of its own for every host (they are put in when the host is made).
rm -f /etc/ssh/ssh_host_*
mkdir -p /etc/ssh/sshd_config.d
cat > /etc/ssh/sshd_config.d/lab.conf <<'CONF'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
MaxSessions 64
CONF
# Runs look whether the port answers and hang up; newer servers begin to refuse who does that often.
if grep -aqi persourcepenalties /usr/sbin/sshd; then
  echo 'PerSourcePenalties no' >> /etc/ssh/sshd_config.d/lab.conf
fi
systemctl enable ssh.service

# In a container nobody has made the mounts shared, which is systemd's first act on a machine;
# LoadCredential= and PrivateMounts= of services depend on it.
cat > /etc/systemd/system/shared-mounts.service <<'UNIT'
[Unit]
Description=Share the mounts as systemd does on a machine
DefaultDependencies=no
Before=sysinit.target systemd-journald.service systemd-tmpfiles-setup.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/mount --make-rshared /
[Install]
WantedBy=sysinit.target
UNIT
systemctl enable shared-mounts.service

# What would take time at every boot, or work in the background while a test measures.
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  ldconfig.service systemd-journal-catalog-update.service systemd-update-done.service \
  systemd-firstboot.service console-getty.service getty.target
# The kernel is the machine's: a lab host does not set its parameters at boot.
systemctl mask systemd-sysctl.service systemd-timesyncd.service systemd-networkd.service systemd-resolved.service
systemctl set-default multi-user.target
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\nSystemMaxUse=64M\nRuntimeMaxUse=64M\n' > /etc/systemd/journald.conf.d/lab.conf

# Each host gets an identity of its own.
: > /etc/machine-id
rm -f /var/lib/dbus/machine-id
mountpoint -q /etc/hostname || rm -f /etc/hostname  # the builder's, and mounted, while a container builds
: > /etc/default/locale  # sshd complains at each login when it is missing

apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /var/log/apt \
  /usr/share/doc/* /usr/share/man/* /usr/share/locale/*
