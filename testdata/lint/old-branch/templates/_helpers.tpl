{{- define "old-branch.cronjob" -}}
{{- if .Capabilities.APIVersions.Has "batch/v1/CronJob" -}}
batch/v1
{{- else -}}
batch/v1beta1
{{- end -}}
{{- end -}}
