package store

import (
	"bufio"
	"io"
	"path/filepath"
	"strconv"
	"strings"
)

// shared lists the file systems that several machines can mount at once, by the system's name, with the
// name that people use. SQLite's write-ahead log is memory shared by the processes of one machine, and its
// locks are the file system's: over a network two workers would damage the file.
var shared = map[string]string{
	"nfs": "NFS", "nfs3": "NFS", "nfs4": "NFS", "cifs": "SMB (Windows shares)", "smb3": "SMB (Windows shares)", "smbfs": "SMB (Windows shares)",
	"ncpfs": "NetWare", "9p": "9P (a folder of the host of a virtual machine)", "v9fs": "9P (a folder of the host of a virtual machine)",
	"virtiofs": "virtiofs (a folder of the host of a virtual machine)", "vboxsf": "a shared folder of VirtualBox", "vmhgfs": "a shared folder of VMware", "prl_fs": "a shared folder of Parallels",
	"afs": "AFS", "afpfs": "AFP", "webdav": "WebDAV", "coda": "Coda", "ceph": "CephFS", "glusterfs": "GlusterFS", "lustre": "Lustre", "gpfs": "GPFS",
	"beegfs": "BeeGFS", "ocfs2": "OCFS2", "gfs2": "GFS2", "orangefs": "OrangeFS", "pvfs2": "OrangeFS", "davfs": "WebDAV",
	"fuse.sshfs": "SSHFS", "fuse.s3fs": "S3", "fuse.rclone": "rclone", "fuse.glusterfs": "GlusterFS", "fuse.ceph": "CephFS", "fuse.ceph-fuse": "CephFS",
	"fuse.gcsfuse": "Cloud Storage", "fuse.blobfuse": "Azure Blob Storage", "fuse.blobfuse2": "Azure Blob Storage", "fuse.mount-s3": "S3", "fuse.mountpoint-s3": "S3",
	"fuse.juicefs": "JuiceFS", "fuse.JuiceFS": "JuiceFS", "fuse.davfs": "WebDAV", "fuse.smbnetfs": "SMB (Windows shares)", "fuse.seaweedfs": "SeaweedFS", "fuse.moosefs": "MooseFS",
	"fuse.mfs": "MooseFS", "fuse.vmhgfs-fuse": "a shared folder of VMware", "fuse.osxfs": "a folder of the host of a virtual machine", "fuse.grpcfuse": "a folder of the host of a virtual machine",
}

// networkDisk returns the name of the network file system of a folder, "" for a disk of this machine and
// where it is unknown.
func networkDisk(folder string) string {
	real, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return ""
	}
	return shared[fileSystem(real)]
}

// mountOf reads the table of mounts that Linux gives each process, and returns the type of the file system
// of a path: the last one mounted on the longest of its folders.
func mountOf(table io.Reader, path string) (kind string) {
	longest := -1
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !ok || len(left) < 5 || len(right) < 1 {
			continue
		}
		point := unescaped(left[4])
		if under(path, point) && len(point) >= longest {
			kind, longest = right[0], len(point)
		}
	}
	if longest == 1 && (kind == "9p" || kind == "virtiofs") {
		return "" // the root of a sandbox, which is not shared
	}
	return kind
}

func under(path, folder string) bool {
	return path == folder || folder == "/" || strings.HasPrefix(path, folder+"/")
}

// unescaped decodes blanks in the table: \040 is one.
func unescaped(s string) string {
	for _, c := range " \t\n\\" {
		octal := strconv.FormatInt(int64(c), 8)
		s = strings.ReplaceAll(s, `\`+strings.Repeat("0", 3-len(octal))+octal, string(c))
	}
	return s
}
